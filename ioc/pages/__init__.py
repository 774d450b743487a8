"""The operations pages: what the operator, the leader and the planner look at, in a browser.

They ask for figures by the same functions as the API, and compute none themselves.
"""

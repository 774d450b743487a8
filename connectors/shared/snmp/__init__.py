"""Asking SNMP agents: bounded in time, rows and memory, whatever they answer."""

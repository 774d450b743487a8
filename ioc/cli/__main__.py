"""``python -m ioc.cli`` is ``ioc``: how the supervisor starts the roles, whatever the path says."""

from ioc.cli.main import run

if __name__ == "__main__":
    run()

"""A client that writes so many jobs, each in a transaction of its own, and does not give up: `writer.py COUNT PAUSE`.

When it hears nothing, it sends the same again under the same key, as a person does who presses the button twice.
"""

import sys
import time

import django


def main(count: int, pause: float) -> None:
    """Write the jobs 0 … count - 1."""
    for number in range(count):
        while not accepted(number):
            time.sleep(0.2)
        time.sleep(pause)


def accepted(number: int) -> bool:
    """Write one job; tell whether the database said yes."""
    from django.db import Error, connection, transaction

    from audit.jobs import enqueue
    from tests.chaos.tasks import KIND

    try:
        with transaction.atomic():
            enqueue(KIND, f"{KIND}:{number}", {"number": number})
    except Error:
        connection.close()
        return False
    return True


if __name__ == "__main__":
    django.setup()
    main(int(sys.argv[1]), float(sys.argv[2]))

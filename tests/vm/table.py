"""What a run found: one row per check, printed as it is known and once more, together, at the end."""

import sys
import time
import traceback


class Table:
    def __init__(self):
        self.rows = []
        self.begun = time.monotonic()

    def check(self, what, found, good):
        """Adds a row: `found` is shown, `good` says whether it is what must be."""
        self.rows.append((what, str(found), bool(good)))
        print(f"{'  ' if good else '✗ '}{time.monotonic() - self.begun:6.0f} s  {what}: {found}", flush=True)

    def note(self, what, found):
        """Adds a row that is a figure, not a demand."""
        self.check(what, found, True)

    def trouble(self, what):
        """Adds the exception at hand as a failed row."""
        traceback.print_exc()
        self.check(what, sys.exc_info()[1], False)

    def finish(self):
        """Prints everything; the exit code."""
        failed = [row for row in self.rows if not row[2]]
        width = max(len(row[0]) for row in self.rows)
        print()
        for what, found, good in self.rows:
            print(f"{'  ' if good else '✗ '}{what:<{width}}  {found}")
        minutes = (time.monotonic() - self.begun) / 60
        print(f"\nengawa: {len(self.rows)} rows, {len(failed)} failed, {minutes:.1f} minutes")
        return 1 if failed else 0

"""A progress bar for directory runs and conversions, on a terminal only."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ldap_bridge.progress import Progress, Watcher, unwatched


@contextmanager
def watching(*, quiet: bool) -> Iterator[Watcher]:
    """Yield what draws the progress on standard error while entered."""
    if quiet or not sys.stderr.isatty():
        yield unwatched
        return
    from rich import progress as bars
    from rich.console import Console

    columns = (
        bars.TextColumn("{task.description:>10}"),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TextColumn("{task.fields[rate]:,.0f}/s"),
        bars.TimeElapsedColumn(),
        bars.TimeRemainingColumn(),
    )
    with bars.Progress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, bars.TaskID] = {}

        def watch(step: Progress) -> None:
            if step.phase not in tasks:
                tasks[step.phase] = bar.add_task(step.phase, total=step.total, rate=0.0)
            bar.update(tasks[step.phase], completed=step.done, total=step.total, rate=step.rate)

        yield watch

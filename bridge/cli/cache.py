"""`sab cache`: lists the cached results and their size, and clears them."""

from __future__ import annotations

import datetime

import typer

from bridge.cli import shared
from bridge.cli.output.console import PlainConsole, plain_table
from bridge.cli.output.terminal import write_json, write_line
from bridge.config import Settings
from bridge.pipeline.cache.store import ResultsCache, StoredEntry
from bridge.pipeline.manifest import iso_time
from bridge.system.clock import SystemClock

app = typer.Typer(help="The cached results, which make the same job again take no time: list them, clear them.")


@app.callback(invoke_without_command=True)
def cache_default(context: typer.Context) -> None:
    """The cached results, which make the same job again take no time: list them, clear them."""
    if context.invoked_subcommand is None:
        show_cache()


@app.command("list")
@shared.guarded
def show_cache(json: shared.Json = False) -> None:
    """List the cached results, the most recently used first."""
    settings = shared.settings_from()
    cache = _cache(settings)
    stored = cache.entries()
    total = sum(one.entry.total_bytes for one in stored)
    results = [one for one in stored if one.entry.results]
    analyses_bytes = total - sum(one.entry.total_bytes for one in results)
    if json:
        summary = {
            "folder": str(cache.folder), "bytes": total, "heard_bytes": analyses_bytes,
            "max_bytes": settings.cache_max_bytes,
        }  # fmt: skip
        write_json({**summary, "entries": [_entry_json(one) for one in results]})
        return
    listed = plain_table("Clip", "Engine", "Size", "Last used", right=("Size",))
    for one in results:
        used = datetime.datetime.fromtimestamp(one.used_unix).astimezone().strftime("%Y-%m-%d %H:%M")
        listed.add_row(one.entry.name, one.entry.engine.name or "–", _megabytes(one.entry.total_bytes), used)
    if results:
        PlainConsole().print(listed)
    size = (
        f"{_megabytes(total)} of {settings.cache_max_gb:g} GB ({_megabytes(analyses_bytes)} of it: analyses, for notes)"
    )
    write_line(f"{_counted(len(results))}, {size}, in {cache.folder}")


@app.command("clear")
@shared.guarded
def clear_cache(json: shared.Json = False) -> None:
    """Delete all cached results. The files in your projects stay."""
    cache = _cache(shared.settings_from())
    results = sum(bool(one.entry.results) for one in cache.entries())
    cache.clear()
    count = results - sum(bool(one.entry.results) for one in cache.entries())
    if json:
        write_json({"cleared": count})
    else:
        write_line(f"{_counted(count)} cleared.")


def _cache(settings: Settings) -> ResultsCache:
    return ResultsCache(settings.cache_dir, settings.cache_max_bytes, SystemClock())


def _entry_json(stored: StoredEntry) -> dict[str, object]:
    entry = stored.entry
    return {
        "key": entry.key,
        "name": entry.name,
        "engine": entry.engine.name,
        "bytes": entry.total_bytes,
        "files": len(entry.results),
        "last_used": iso_time(stored.used_unix),
    }


def _counted(count: int) -> str:
    return "1 result" if count == 1 else f"{count} results"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"

"""`sab farm …`. Dask is loaded only by the command that runs with it."""

from __future__ import annotations

import datetime
import platform
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli import shared
from bridge.cli.logs import log_into
from bridge.cli.output.terminal import write_json, write_line, write_note, write_path, write_report
from bridge.config import Settings
from bridge.errors import BadArguments, NotFound
from bridge.farm import access
from bridge.farm.values import FarmMachine, FarmState
from bridge.options.paths import is_folder
from bridge.system.ending import interruption

app = typer.Typer(
    help="Several machines compute the songs of a studio. Who may join can run programs on all of them: docs/farm.md."
)

Cluster = Annotated[
    str, typer.Option("--cluster", help="The scheduler's address, as tls://studio.local:8786.", show_default=False)
]
Insecure = Annotated[
    bool,
    typer.Option(
        "--insecure",
        help="Without certificates, tcp:// only: everybody in the network can run programs on the farm.",
    ),
]
Listen = Annotated[
    str | None,
    typer.Option("--host", help="This machine's address in the network; without it, only this machine takes part."),
]


@app.command("scheduler")
@shared.command
async def farm_scheduler(
    host: Listen = None,
    port: Annotated[int, typer.Option("--port", help="The port to listen at.", min=0, max=65535)] = access.DEFAULT_PORT,
    insecure: Insecure = False,
    state_dir: shared.StateDir = None,
) -> int:
    """Run the farm's scheduler: machines join it, and bridges give it songs. Ctrl-C ends it.

    Whoever holds the farm's certificates can run programs on every machine that joins.
    """
    settings = _settings(state_dir, "farm-scheduler")
    bundle = _own_certificates(settings, is_insecure=insecure)
    from bridge.farm.connection import security_of
    from bridge.farm.scheduling import run_scheduler

    security = security_of(bundle)

    def say(address: str) -> None:
        write_line(f"the farm's scheduler listens at {address}")
        _tell_who_is_trusted(bundle)
        if host is None:
            write_note("Only this machine can reach it; other machines can with --host ADDRESS.")

    async with interruption() as ends:
        await run_scheduler(host or "", port, security, say, ends)
    return shared.DONE


@app.command("worker")
@shared.command
async def farm_worker(
    cluster: Cluster,
    share: Annotated[
        list[Path] | None,
        typer.Option("--share", help="A folder that clips and results lie in, on all machines. May be repeated."),
    ] = None,
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map", help="A shared folder with another name here, as /srv/music=/Volumes/music. May be repeated."
        ),
    ] = None,
    gpu: Annotated[
        bool | None, typer.Option("--gpu/--cpu", help="What its models run on.", show_default="as the machine is")
    ] = None,
    slots: Annotated[
        int, typer.Option("--slots", help="How many songs at once; each loads models of its own.", min=1, max=64)
    ] = 1,
    name: Annotated[str, typer.Option("--name", help="What the farm calls it.", show_default="the machine's")] = "",
    host: Listen = None,
    port: Annotated[
        int, typer.Option("--port", help="The port at which the scheduler reaches it; 0: any.", min=0, max=65535)
    ] = 0,
    scratch: Annotated[
        Path | None, typer.Option("--scratch", help="Folder for what is no result.", show_default="in the cache")
    ] = None,
    insecure: Insecure = False,
    state_dir: shared.StateDir = None,
    models_dir: shared.ModelsDir = None,
    trust_pickles: shared.TrustPickles = False,
) -> int:
    """Let this machine compute songs of a farm. Ctrl-C ends it; its songs go elsewhere.

    Whoever holds the farm's certificates can run programs on this machine.
    """
    settings = _settings(state_dir, "farm-worker", models_dir=models_dir, trust_pickles=trust_pickles)
    address = access.farm_address(cluster, is_insecure=insecure)
    bundle = access.certificates_for(cluster, settings.state_dir, is_insecure=insecure)
    if host is None and not address.is_loopback:
        raise BadArguments(
            "The scheduler is on another machine, and has to reach this one.",
            advice="Add --host with this machine's address in the network, as --host 192.168.1.20.",
        )
    from bridge.farm.connection import security_of
    from bridge.farm.paths import PathMap, mount_of
    from bridge.farm.pool import Shared
    from bridge.farm.working import MachineOptions, likely_kind, run_machine

    mounts = [mount_of(written) for written in map_ or ()]
    folders = (*(path.absolute() for path in share or ()), *(Path(mount.here) for mount in mounts))
    for folder in folders:
        is_there = False
        with suppress(NotFound):
            is_there = is_folder(folder)
        if not is_there:
            raise BadArguments(f"There is no folder {folder} on this machine.", advice="Connect its drive first.")
    machine = name or platform.node() or "machine"
    options = MachineOptions(
        address=address,
        security=security_of(bundle),
        kind=likely_kind() if gpu is None else "gpu" if gpu else "cpu",
        slots=slots,
        name=machine,
        host=host or "",
        port=port,
        scratch=scratch or settings.cache_dir / "farm",
        shared=Shared(folders, PathMap(mounts)),
    )
    _tell_who_is_trusted(bundle)
    async with interruption() as ends:
        await run_machine(options, settings, write_report, ends)
    return shared.DONE


@app.command("status")
@shared.command
async def farm_status(
    cluster: Cluster, insecure: Insecure = False, json: shared.Json = False, state_dir: shared.StateDir = None
) -> int:
    """Print the machines of a farm, and what they do."""
    from bridge.farm.client import FarmComputer

    settings = shared.settings_from(state_dir=state_dir)
    farm = await FarmComputer.open(cluster, settings, is_insecure=insecure)
    try:
        state = farm.state()
    finally:
        await farm.close()
    if json:
        write_json(state)
    else:
        _print(state)
    return shared.FAILED if state.problem else shared.DONE


@app.command("certificates")
@shared.guarded
def farm_certificates(
    days: Annotated[
        int, typer.Option("--days", help="How long the machines' certificate is valid.", min=1, max=3650)
    ] = 825,
    use: Annotated[
        Path | None,
        typer.Option("--use", help="Take the farm.pem of another machine for this one, and make none."),
    ] = None,
    state_dir: shared.StateDir = None,
) -> None:
    """Make the certificates of a farm: one file, which each of its machines needs.

    Whoever has that file can run programs on every machine of the farm.
    """
    access.require_farm()
    from bridge.farm.certificates import make_certificates, read_certificates, take_certificates

    settings = shared.settings_from(state_dir=state_dir)
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        make_certificates(settings.state_dir, days=days, now=now)
        if use is None
        else take_certificates(use, settings.state_dir, now)
    )
    expires = read_certificates(made, now).expires
    write_path(made)
    write_note(f"Valid until {expires:%d %B %Y}.")
    if use is None:
        write_note("Copy it to each machine of the farm in a way that nobody else can read, and say there:")
        write_note("sab farm certificates --use farm.pem")


def _settings(state_dir: Path | None, log_name: str, **more: object) -> Settings:
    settings = shared.settings_from(state_dir=state_dir, **more)
    log_into(settings.state_dir, log_name)
    return settings


def _own_certificates(settings: Settings, *, is_insecure: bool) -> str:
    """The certificates of a scheduler; empty if it is to run without."""
    scheme = "tcp" if is_insecure else "tls"
    here = str(access.FarmAddress(scheme, access.LOOPBACK, access.DEFAULT_PORT))
    return access.certificates_for(here, settings.state_dir, is_insecure=is_insecure)


def _tell_who_is_trusted(certificates: str) -> None:
    write_note(access.TRUST if certificates else f"WARNING: {access.DANGER}")


def _print(state: FarmState) -> None:
    for machine in state.machines:
        write_line(_line(machine))
    if state.problem:
        write_note(state.problem)


def _line(machine: FarmMachine) -> str:
    doing = machine.problem or f"{machine.running} of {machine.slots} busy"
    return f"{machine.name}  {machine.kind}  {doing}"

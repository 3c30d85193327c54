"""Peers that outlive the server: what is stored of them, and how the next run takes them up."""

from __future__ import annotations

from bridge.osc.peers import Peer, Peers
from bridge.osc.traffic.endpoints import Endpoint
from bridge.store.returning_subscribers import ReturningSubscriber


def returning(peer: Peer) -> ReturningSubscriber:
    return ReturningSubscriber(
        host=str(peer.endpoint[0]),
        port=int(peer.endpoint[1]),
        id=peer.id,
        ttl_seconds=peer.ttl_seconds,
        jobs=tuple(sorted(peer.followed_jobs)),
        own_jobs=tuple(sorted(peer.jobs)),
        groups=tuple(peer.groups.items()),
    )


def take_up(peers: Peers, client: ReturningSubscriber, endpoint: Endpoint) -> None:
    """Takes up a client that listens at `endpoint`; who had neither a subscription nor jobs is only told the start."""
    if client.ttl_seconds is not None or client.jobs:
        peer = Peer(
            id=client.id,
            endpoint=endpoint,
            last_message_seconds=0.0,
            is_new=False,
            ttl_seconds=client.ttl_seconds,
            jobs=set(client.own_jobs),
            followed_jobs=set(client.jobs),
            followed_groups={group_id for _, group_id in client.groups},
            groups=dict(client.groups),
        )
        peers.restore(peer)

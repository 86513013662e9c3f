"""Parameter server: servers hold the weights and the optimiser's state, workers push gradients and pull weights.

Li et al. 2014, "Scaling distributed machine learning with the parameter server". Ranks 0 to S - 1 are servers, each
with a range of the parameters; rank 0 also gives out the batches, looks at the validation split and writes. The others
are workers. A worker that is lost is not waited for, and its batch goes to another one; one that comes back joins in.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.connection import Client, Connection, Listener
from typing import Any, Final, cast
from urllib.parse import urlsplit

import torch
from torch import nn
from torch.distributed.rendezvous import rendezvous

from intclass.components.finetune.learner import Learner
from intclass.components.finetune.parallel.group import JOIN_TIMEOUT, Group, Place
from intclass.components.finetune.parallel.shard import Shard
from intclass.components.finetune.parallel.strategy import (
    AfterStep,
    Epoch,
    MakeEpoch,
    State,
    Step,
    Strategy,
    make_batch,
    seed_step,
)
from intclass.components.finetune.parallel.tickets import Ticket, Tickets
from intclass.components.finetune.parallel.wire import Values, keep_alive, pack, receive, send, unpack
from intclass.components.finetune.serialization import from_bytes, to_bytes
from intclass.components.shared.errors import ConfigError, LostRankError

_IDLE_SECONDS: Final = 0.005
_LEAVE_SECONDS: Final = 30.0


def check_roles(place: Place, servers: int) -> None:
    """Raise ConfigError if no rank is left to be a worker."""
    if place.size <= servers:
        raise ConfigError(
            f"strategy is 'parameter-server' with {servers} server(s), but there are {place.size} rank(s); start at "
            f"least {servers + 1}, as with torchrun --nproc-per-node {servers + 1}"
        )


def cut(parameters: Sequence[nn.Parameter], servers: int) -> list[list[nn.Parameter]]:
    """The parameters in order, in as many runs of about the same size as there are servers."""
    total = sum(each.numel() for each in parameters)
    shares: list[list[nn.Parameter]] = [[] for _ in range(servers)]
    before = 0
    for parameter in parameters:
        middle = before + parameter.numel() / 2
        shares[min(int(servers * middle / total), servers - 1)].append(parameter)
        before += parameter.numel()
    return shares


class Meeting:
    """Where servers leave their addresses, and all find the key that opens a connection."""

    def __init__(self, place: Place, servers: int) -> None:
        self._place, self._servers = place, servers
        meeting = rendezvous(place.rendezvous, place.rank, place.size, timeout=JOIN_TIMEOUT)
        self._store, _, _ = next(meeting)
        if place.rank == 0:
            self._store.set("key", secrets.token_hex())
        self.key = self._store.get("key")

    def open(self) -> Listener:
        """Listen at an address that reaches this rank from where rank 0 is reached, and leave it for the others."""
        listener = Listener((_own_address(self._place), 0), backlog=self._place.size, authkey=self.key)
        host, port = cast("tuple[str, int]", listener.address)
        self._store.set(f"server {self._place.rank}", f"{host} {port}")
        return listener

    def connect(self) -> list[Connection]:
        """A connection to each server, in their order."""
        connections = []
        for rank in range(self._servers):
            host, port = self._store.get(f"server {rank}").decode().split()
            connections.append(Client((host, int(port)), authkey=self.key))
        return connections


def _own_address(place: Place) -> str:
    """The address of the interface towards rank 0."""
    url = urlsplit(place.rendezvous)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:  # sends nothing
        probe.connect((url.hostname or os.environ["MASTER_ADDR"], 9))
        return str(probe.getsockname()[0])


class Server:
    """Answers the requests of every connection in a thread of its own, until rank 0 says stop."""

    def __init__(self, shard: Shard, listener: Listener, tickets: Tickets | None = None) -> None:
        self._shard, self._listener, self._tickets = shard, listener, tickets
        self.stopped: Values | None = None
        self.orphaned = False  # rank 0 is gone before it said stop
        self._workers: set[int] = set()
        self._changed = threading.Condition()
        self._strangers = itertools.count(-1, -1)  # rank 0 alone connects without being a worker
        threading.Thread(target=self._accept, daemon=True).start()

    def wait(self, *, seconds: float | None = None) -> None:
        """Until it is told to stop and no worker is there any more."""
        with self._changed:
            self._changed.wait_for(self._is_over, timeout=seconds)

    def _is_over(self) -> bool:
        return self.orphaned or (self.stopped is not None and not self._workers)

    def stop(self, manifest: Values) -> None:
        """Tell workers, when they ask for a batch, that training is over."""
        with self._changed:
            self.stopped = manifest
            self._changed.notify_all()

    def _accept(self) -> None:
        while True:
            try:
                connection = self._listener.accept()
            except Exception:  # noqa: S112 - who does not know the key, or is gone already, is not let in
                continue
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        keep_alive(connection)
        worker = next(self._strangers)
        try:
            while True:
                values, data = receive(connection)
                if values["ask"] == "join":
                    worker = values["worker"]
                    self._join(worker)
                send(connection, *self._answer(worker, values, data))
        except (EOFError, OSError):
            self._leave(worker)

    def _join(self, worker: int) -> None:
        with self._changed:
            self._workers.add(worker)
        self._shard.join(worker)

    def _leave(self, worker: int) -> None:
        if self._tickets is not None:
            self._tickets.give_back(worker)
        self._shard.leave(worker)
        with self._changed:
            self._workers.discard(worker)
            self.orphaned = worker < 0 and self.stopped is None
            self._changed.notify_all()

    def _answer(self, worker: int, values: Values, data: bytes) -> tuple[Values, bytes]:
        match values["ask"]:
            case "ticket":
                assert self._tickets is not None
                ticket = None if self.stopped is not None else self._tickets.take(worker)
                return {"stop": self.stopped, "ticket": [ticket.epoch, ticket.batch] if ticket else None}, b""
            case "pull":
                version, weights = self._shard.pull()
                return {"version": version}, pack(weights)
            case "push":
                gradients = unpack(data, self._shard.parameters) if data else None
                if gradients is not None and self._tickets is not None:
                    self._tickets.hand_in(worker, values["loss"])
                self._shard.push(worker, gradients, version=values["version"], done=values["done"])
            case "state":
                return {}, to_bytes(self._shard.state())
            case "restore":
                content = from_bytes(data)
                self._shard.restore(content["weights"], content["state"])
            case "stop":
                self.stop(values["manifest"])
        return {}, b""


class Servers:
    """All servers, as a worker or rank 0 sees them; a request goes to all of them before the first answer is read."""

    def __init__(self, connections: Sequence[Connection], parameters: Sequence[nn.Parameter]) -> None:
        self._connections = connections
        self._shares = cut(parameters, len(connections))
        self.bytes_moved = 0

    def ask(self, values: Values, data: Sequence[bytes] | None = None) -> list[tuple[Values, bytes]]:
        """Every server's answer; raises LostRankError if one is gone."""
        with _lost_server_explained():
            for connection, part in zip(self._connections, data or itertools.repeat(b""), strict=False):
                send(connection, values, part)
                self.bytes_moved += len(part)
            answers = [receive(connection) for connection in self._connections]
        self.bytes_moved += sum(len(answer) for _, answer in answers)
        return answers

    def take_ticket(self) -> tuple[Values | None, Ticket | None]:
        """Rank 0's answer: the manifest if training is over, and a batch if there is one."""
        with _lost_server_explained():
            send(self._connections[0], {"ask": "ticket"})
            values, _ = receive(self._connections[0])
        return values["stop"], Ticket(*values["ticket"]) if values["ticket"] else None

    @torch.no_grad()
    def pull(self) -> list[int]:
        """Fetch the weights into the parameters; returns each server's version."""
        versions = []
        for share, (values, data) in zip(self._shares, self.ask({"ask": "pull"}), strict=True):
            for parameter, weight in zip(share, unpack(data, share), strict=True):
                parameter.copy_(weight)
            versions.append(values["version"])
        return versions

    def push(self, versions: Sequence[int], *, done: float, loss: float) -> None:
        """Send the parameters' gradients, and clear them."""
        with _lost_server_explained():
            for connection, share, version in zip(self._connections, self._shares, versions, strict=True):
                data = pack([cast("torch.Tensor", parameter.grad) for parameter in share])
                send(connection, {"ask": "push", "version": version, "done": done, "loss": loss}, data)
                self.bytes_moved += len(data)
            for connection in self._connections:
                receive(connection)

    def restore(self, states: Sequence[Mapping[str, Any]] | None) -> None:
        """Give the servers the parameters' weights, and their optimisers' states if these are as many."""
        fitting = states if states is not None and len(states) == len(self._shares) else [None] * len(self._shares)
        contents = [
            to_bytes({"weights": [each.detach().cpu() for each in share], "state": state})
            for share, state in zip(self._shares, fitting, strict=True)
        ]
        self.ask({"ask": "restore"}, contents)


@contextlib.contextmanager
def _lost_server_explained() -> Iterator[None]:
    try:
        yield
    except (EOFError, OSError) as error:
        reason = str(error) or "connection closed"
        raise LostRankError(
            f"a server was lost ({reason}); the same command goes on from the last checkpoint"
        ) from error


class ParameterServer(Strategy):
    """The view of rank 0: it gives out batches, and fetches the weights at the end of an epoch."""

    resumes_within_epoch = False

    def __init__(self, learner: Learner, meeting: Meeting, shard: Shard) -> None:
        self.learner, self.group = learner, Group()
        self._tickets = Tickets()
        self._server = Server(shard, meeting.open(), self._tickets)
        self._servers = Servers(meeting.connect(), learner.trained)

    def run_epoch(self, epoch: Epoch, *, first_step: int, after_step: AfterStep) -> None:
        """Every batch once, whichever worker takes it."""
        assert first_step == 0, "checkpoints are made between epochs, when no gradient is on its way"
        size = sum(each.numel() for each in self.learner.trained) * 4
        for ticket, loss in self._tickets.run(epoch.number, len(epoch.batches)):
            self.group.bytes_sent += 2 * size  # the weights to the worker, the gradient back
            after_step(Step(torch.tensor(loss), len(epoch.batches[ticket.batch]), may_checkpoint=False))
        self._servers.pull()

    def shared_state(self) -> State:
        """The optimisers of all servers."""
        answers = self._servers.ask({"ask": "state"})
        return {"servers": [from_bytes(data) for _, data in answers]}

    def restore(self, shared: State, own: State) -> None:
        """Servers take the checkpoint's weights; their optimisers' moments too, if they are as many as they were."""
        self._servers.restore(shared["servers"])

    def close(self, manifest: Values) -> None:
        """Tell all that training is over, and wait until the workers have heard it."""
        self._servers.ask({"ask": "stop", "manifest": manifest})
        self._server.wait(seconds=_LEAVE_SECONDS)


def serve(meeting: Meeting, shard: Shard) -> Values:
    """Be a server other than rank 0, to the end; returns the manifest of what was trained."""
    server = Server(shard, meeting.open())
    server.wait()
    if server.stopped is None:
        raise LostRankError("rank 0 was lost; the same command goes on from the last checkpoint")
    return server.stopped


def work(learner: Learner, meeting: Meeting, rank: int, make_epoch: MakeEpoch, *, seed: int, pad_id: int) -> Values:
    """Be a worker to the end; returns the manifest of what was trained."""
    servers = Servers(meeting.connect(), learner.trained)
    servers.ask({"ask": "join", "worker": rank})
    learner.model.train()
    epoch: Epoch | None = None
    while True:
        stop, ticket = servers.take_ticket()
        if stop is not None:
            return stop
        if ticket is None:
            servers.ask({"ask": "push", "version": 0, "done": 0.0, "loss": 0.0})
            time.sleep(_IDLE_SECONDS)
            continue
        if epoch is None or epoch.number != ticket.epoch:
            epoch = make_epoch(ticket.epoch)
        versions = servers.pull()
        seed_step(seed, ticket.epoch, ticket.batch)
        batch = make_batch(epoch.split, epoch.batches[ticket.batch], pad_id=pad_id)
        loss = learner.backward(batch, scale=1 / epoch.mean_size)
        learner.clip()
        servers.push(versions, done=epoch.middles()[ticket.batch], loss=float(loss))
        learner.optimizer.zero_grad()

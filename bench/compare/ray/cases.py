"""One case of Ray's own microbenchmark, by its name there; the result is one line of JSON.

The remote functions, the actors and `timeit` are Ray's (ray._private.ray_perf and ray_microbenchmark_helpers). The
bodies of the cases are local functions of its `main`, which can only run them all one after another, so they stand
here as they stand there. Added: single operations of round trips are timed, `quick`, and `probe`, which only tries
whether Ray starts.

    python cases.py '{"name": "single client tasks sync", "cpus": 2, "quick": false, "folder": "/tmp/x"}'
"""

import json
import multiprocessing
import sys
import time

import numpy as np
import ray
from ray._private import ray_microbenchmark_helpers as helpers
from ray._private.ray_perf import (
    Actor,
    AsyncActor,
    Client,
    create_object_containing_ref,
    small_value,
)

BATCH = 1000
CLIENTS = 4
N_CPU = max(1, multiprocessing.cpu_count() // 2)
ROUND_TRIPS_S = 2


@ray.remote
def do_put_small():
    for _ in range(100):
        ray.put(0)


@ray.remote
def do_put():
    for _ in range(10):
        ray.put(np.zeros(10 * 1024 * 1024, dtype=np.int64))


@ray.remote
def work(actors, n):
    ray.get([actors[i % len(actors)].small_value.remote() for i in range(n)])


def get_small():
    value = ray.put(0)
    return lambda: ray.get(value)


def put_large():
    arr = np.zeros(100 * 1024 * 1024, dtype=np.int64)
    return lambda: ray.put(arr)


def get_containing_object_ref():
    obj_containing_ref = create_object_containing_ref.remote()
    return lambda: ray.get(obj_containing_ref)


def wait_multiple_refs():
    not_ready = [small_value.remote() for _ in range(BATCH)]
    fetch_local = True
    for _ in range(BATCH):
        _ready, not_ready = ray.wait(not_ready, fetch_local=fetch_local)
        if fetch_local:
            fetch_local = False


def multi_task():
    actors = [Actor.remote() for _ in range(CLIENTS)]
    return lambda: ray.get([a.small_value_batch.remote(10000) for a in actors])


def sync(make):
    def set_up():
        a = make()
        return lambda: ray.get(a.small_value.remote())

    return set_up


def batch(make):
    def set_up():
        a = make()
        return lambda: ray.get([a.small_value.remote() for _ in range(BATCH)])

    return set_up


def with_args():
    a = AsyncActor.remote()
    return lambda: ray.get([a.small_value_with_arg.remote(i) for i in range(BATCH)])


def one_to_many(make):
    def set_up():
        client = Client.remote([make() for _ in range(N_CPU)])
        return lambda: ray.get(client.small_value_batch.remote(5000))

    return set_up


def many_to_many(make):
    def set_up():
        a = [make() for _ in range(N_CPU)]
        return lambda: ray.get([work.remote(a, 5000) for _ in range(CLIENTS)])

    return set_up


def many_to_many_with_arg():
    clients = [Client.remote(Actor.remote()) for _ in range(N_CPU)]
    return lambda: ray.get([c.small_value_batch_arg.remote(BATCH) for c in clients])


def plain(operation):
    return lambda: operation


# The name: what sets the case up and gives the operation, and how many of what is counted one operation is.
CASES = {
    "single client get calls (Plasma Store)": (get_small, 1),
    "single client put calls (Plasma Store)": (plain(lambda: ray.put(0)), 1),
    "multi client put calls (Plasma Store)": (
        plain(lambda: ray.get([do_put_small.remote() for _ in range(10)])),
        1000,
    ),
    "single client put gigabytes": (put_large, 8 * 0.1),
    "single client tasks and get batch": (
        plain(lambda: ray.get([small_value.remote() for _ in range(BATCH)])),
        1,
    ),
    "multi client put gigabytes": (
        plain(lambda: ray.get([do_put.remote() for _ in range(10)])),
        10 * 8 * 0.1,
    ),
    "single client get object containing 10k refs": (get_containing_object_ref, 1),
    "single client wait 1k refs": (plain(wait_multiple_refs), 1),
    "single client tasks sync": (plain(lambda: ray.get(small_value.remote())), 1),
    "single client tasks async": (
        plain(lambda: ray.get([small_value.remote() for _ in range(BATCH)])),
        BATCH,
    ),
    "multi client tasks async": (multi_task, 10000 * CLIENTS),
    "1:1 actor calls sync": (sync(Actor.remote), 1),
    "1:1 actor calls async": (batch(Actor.remote), BATCH),
    "1:1 actor calls concurrent": (
        batch(lambda: Actor.options(max_concurrency=16).remote()),
        BATCH,
    ),
    "1:n actor calls async": (one_to_many(Actor.remote), 5000 * N_CPU),
    "n:n actor calls async": (many_to_many(Actor.remote), CLIENTS * 5000),
    "n:n actor calls with arg async": (many_to_many_with_arg, BATCH * N_CPU),
    "1:1 async-actor calls sync": (sync(AsyncActor.remote), 1),
    "1:1 async-actor calls async": (batch(AsyncActor.remote), BATCH),
    "1:1 async-actor calls with args async": (with_args, BATCH),
    "1:n async-actor calls async": (one_to_many(AsyncActor.remote), 5000 * N_CPU),
    "n:n async-actor calls async": (many_to_many(AsyncActor.remote), CLIENTS * 5000),
}
ROUND_TRIPS = {
    "single client tasks sync",
    "1:1 actor calls sync",
    "1:1 async-actor calls sync",
}


def quick_timeit(name, operation, multiplier):
    """Shows that the case works."""
    start = time.perf_counter()
    operation()
    return [(name, multiplier / (time.perf_counter() - start), 0.0)]


def time_each(operation, seconds):
    """How long single operations took, in microseconds."""
    times = []
    end = time.perf_counter() + seconds
    before = time.perf_counter()
    while before < end:
        operation()
        after = time.perf_counter()
        times.append((after - before) * 1e6)
        before = after
    # Nearest rank, as everywhere in this comparison.
    p50, p99, p999 = np.percentile(
        times, [50, 99, 99.9], method="inverted_cdf"
    ).tolist()
    return {"count": len(times), "p50": p50, "p99": p99, "p999": p999}


def main():
    wanted = json.loads(sys.argv[1])
    ray.init(num_cpus=wanted["cpus"], _temp_dir=wanted["folder"])
    if wanted.get("probe"):
        ray.get(small_value.remote())
        ray.shutdown()
        return
    set_up, multiplier = CASES[wanted["name"]]
    operation = set_up()
    timeit = quick_timeit if wanted["quick"] else helpers.timeit
    [(name, mean, sd)] = timeit(wanted["name"], operation, multiplier)
    result = {"name": name, "rate": {"mean": float(mean), "sd": float(sd)}}
    if name in ROUND_TRIPS:
        result["roundTrips"] = time_each(
            operation, 0.2 if wanted["quick"] else ROUND_TRIPS_S
        )
    print(json.dumps(result), flush=True)
    ray.shutdown()


if __name__ == "__main__":
    main()

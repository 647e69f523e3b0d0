#!/usr/bin/env python3
"""The first half of a run on Spark: one executor against two, and many images.

    python benches/cluster.py speed MODEL PHOTOS [IMAGES]     # default 1,896 images
    python benches/cluster.py size [IMAGES]                   # default 100,000

For an environment with the wheel and `camaudit[spark]`; Java is needed. Executors are processes of one core on this machine
(`local-cluster[1,1,1024]` and `[2,1,1024]`), on the loopback. `speed` measures PHOTOS (a folder per class, with classes.txt), linked over and
over, with MODEL (EfficientNet-Lite0), each twice in turn. `size` measures links to fixtures/horses with the demo's network and ten regions,
with two executors, and concludes. CPU is the processor time of the executors' Python processes, which other work on the machine
lengthens less. Times are those of `camaudit.spark.measure`, without the start of Spark, and of `camaudit
conclude`. Memory is the largest resident set of each process.
"""
import contextlib, json, os, pathlib, shutil, subprocess, sys, tempfile, time

import scaling

MIB = 1 << 20
SUBMIT = "--conf spark.driver.bindAddress=127.0.0.1 --conf spark.ui.enabled=false --conf spark.executor.memory=1g --conf spark.ui.showConsoleProgress=false"


def measured_here(executors, pipeline, out):
    """In a process of its own, since a Java machine has one master: prints what was measured as JSON."""
    os.environ |= {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    os.environ["PYSPARK_SUBMIT_ARGS"] = f"--master local-cluster[{executors},1,1024] {SUBMIT} pyspark-shell"
    from pyspark.sql import SparkSession
    import camaudit.spark

    spark = SparkSession.builder.appName("camaudit-bench").getOrCreate()
    # Executors register one after the other.
    spark.range(8).repartition(8).mapInArrow(lambda batches: batches, "id long").count()
    before = executors_time()
    load, start = os.getloadavg()[0], time.time()
    folder = camaudit.spark.measure(spark, pipeline, out=out)
    result = {"s": time.time() - start, "load": load, "folder": str(folder), "driver": peak(os.getpid())}
    result["executors_s"] = executors_time() - before
    for java in children(os.getpid()):
        result["driver's JVM"] = peak(java)
        result["executor's JVM"] = max(map(peak, children(java)))
        result["Python worker"] = max(peak(worker) for executor in children(java) for daemon in children(executor) for worker in [daemon, *children(daemon)])
    spark.stop()
    print(json.dumps(result))


def children(pid):
    found = []
    # Threads and processes may end meanwhile.
    for file in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, file.read_text().split())
    return found


def executors_time():
    """Processor time of the executors' Python processes, in s."""
    daemons = [d for java in children(os.getpid()) for executor in children(java) for d in children(executor)]
    ticks = 0
    for pid in daemons + [worker for daemon in daemons for worker in children(daemon)]:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def peak(pid):
    """In bytes; 0 of a process that has ended."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 if "VmHWM:" in status else 0


def on(executors, pipeline, out):
    command = [sys.executable, __file__, "on", str(executors), pipeline, out]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def memory(result):
    return ", ".join(f"{name} {result[name] / MIB:.0f} MiB" for name in ("driver", "driver's JVM", "executor's JVM", "Python worker"))


def scored(folder):
    return json.loads((pathlib.Path(folder) / "measured.json").read_text())["counts"]["scored"]


def speed(scratch, model, photos, images=1896):
    sources = sorted(pathlib.Path(photos).resolve().glob("*/*.*"))
    scaling.grow(scratch / "photos", 0, images, sources)
    (scratch / "speed.toml").write_text(
        f'[dataset]\nroot = "{scratch}/photos"\n[model]\npath = "{pathlib.Path(model).resolve()}"\nclasses = "{pathlib.Path(photos).resolve()}/classes.txt"\n'
        f'[preprocess]\npreset = "tf-lite"\n[run]\nshard_size = 48\n[[region]]\nname = "corner"\ncorner = {{ at = "bottom-left", width = 0.35, height = 0.2 }}\n')
    best = {}
    print(f"{images} images, shards of 48\n{'executors':>9}{'s':>8}{'img/s':>8}{'CPU s':>8}{'load before':>13}  largest resident sets", flush=True)
    for executors in (1, 2, 1, 2):
        result = on(executors, scratch / "speed.toml", scratch / "out")
        assert scored(result["folder"]) == images
        best[executors] = min(best.get(executors, result["s"]), result["s"])
        print(f"{executors:>9}{result['s']:8.1f}{images / result['s']:8.0f}{result['executors_s']:8.1f}{result['load']:13.2f}  {memory(result)}", flush=True)
    print(f"two executors are {best[1] / best[2]:.2f} times as fast as one (the faster one of each)")


def size(scratch, images=100_000):
    sources = []
    for s in sorted((scaling.FIXTURES / "horses").rglob("*.jpg")):  # links need one file system
        copy = scratch / "sources" / s.parent.name / s.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        sources.append(pathlib.Path(shutil.copy(s, copy)))
    scaling.grow(scratch / "photos", 0, images, sources)
    result = on(2, scaling.pipeline(scratch, scratch / "photos"), scratch / "out")
    assert scored(result["folder"]) == images
    parts = list((pathlib.Path(result["folder"]) / "images").glob("*.parquet"))
    print(f"{images} images, two executors, {len(parts)} partitions: {result['s']:.0f} s (load before {result['load']:.2f}); {memory(result)}", flush=True)

    start = time.time()
    conclude = subprocess.Popen([sys.executable, "-m", "camaudit", "conclude", result["folder"], "--quiet"], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(conclude.pid, 0)
    assert status == 0, status
    print(f"conclude: {time.time() - start:.0f} s, {used.ru_maxrss / 1024:.0f} MiB")


def main():
    what, *arguments = sys.argv[1:] or [""]
    if what == "on":
        return measured_here(*arguments)
    if what not in ("speed", "size"):
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_TMP")) as scratch:
        numbers = [int(a) if a.isdigit() else a for a in arguments]
        {"speed": speed, "size": size}[what](pathlib.Path(scratch), *numbers)


if __name__ == "__main__":
    main()

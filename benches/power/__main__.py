#!/usr/bin/env python3
"""How good is the auditor? Planted tags whose effect is known by behaviour, against the verdicts.

    make power            short form, meant for 20 minutes on two idle cores
    make power GRID=long  every combination, five times as many seeds

cases.py lists the sets, planting.py makes them, truth.py says what is true of a network, audit.py runs the auditor,
figures.py computes what is printed at the end. Exit code 1 when a requirement is not met.
"""
import argparse, concurrent.futures, os, pathlib, pickle, resource, sys, time

# Two processes share two cores; numpy reads this when it is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cases, experiment, figures

PROCESSES = 2


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("grid", nargs="?", choices=("short", "long"), default="short")
    parser.add_argument("--only", default="", help="sets whose kind contains this")
    parser.add_argument("--every", type=int, default=1, help="every n-th set only")
    parser.add_argument("--keep", type=pathlib.Path, help="folder for the sets with an error, with pipeline and model")
    parser.add_argument("--results", type=pathlib.Path, help="file for the results (pickle), written set by set")
    parser.add_argument("--again", action="store_true", help="print the figures of kept results")
    return parser.parse_args()


def run_all(binary, chosen, keep, kept_results):
    """Prints a line for every network, and appends the results of every set to a file."""
    results = []
    with concurrent.futures.ProcessPoolExecutor(PROCESSES) as pool:
        waiting = [pool.submit(experiment.run, binary, case, keep) for case in chosen]
        for number, done in enumerate(concurrent.futures.as_completed(waiting), 1):
            audited, seconds = done.result()
            results += audited
            if kept_results:
                with open(kept_results, "ab") as file:
                    pickle.dump(audited, file)
            for row in audited:
                if row.is_planted_class:
                    print(f"{number:4}/{len(chosen)} {figures.line(row)}; {seconds:.1f} s", flush=True)
    return results


def read_results(path):
    results = []
    with open(path, "rb") as file:
        while file.peek(1):
            results += pickle.load(file)
    return results


def print_cost(start):
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (used.ru_utime + used.ru_stime) / 60
    print(f"\n{(time.monotonic() - start) / 60:.0f} minutes, {cpu:.0f} minutes of processor time")


def main():
    given = options()
    if given.again:
        return figures.report(read_results(given.results))

    if given.results:
        given.results.unlink(missing_ok=True)
    start = time.monotonic()
    chosen = [case for case in cases.all_cases(given.grid == "long") if given.only in case.kind][:: given.every]
    results = run_all(given.binary.resolve(), chosen, given.keep, given.results)
    print_cost(start)
    return figures.report(results)


if __name__ == "__main__":
    sys.exit(main())

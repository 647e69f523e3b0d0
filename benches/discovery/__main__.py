#!/usr/bin/env python3
"""How good is the search for confounders that nobody declared? Planted tags and properties on real photos, against the findings.

    make discovery PHOTOS="folder .." TRUNK=classifier.onnx             short form
    make discovery PHOTOS="folder .." TRUNK=classifier.onnx GRID=long   three times as many seeds

Eight classes of photos; tags of six designs on 8 to 85 photos of a class and nine properties of files on 5 to 50 % of it, heads
trained on the planted set over the trunk's frozen features; backgrounds behind 10 and 20 % of a class, for its concepts. Classes without a plant, and sets whose labels have no meaning, are to
stay silent. Exit code 1 when a requirement is not met.
"""
import argparse, concurrent.futures, os, pathlib, pickle, resource, sys, time

# Two processes share two cores; numpy reads this when it is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import figures, sets

PROCESSES = 2


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("grid", nargs="?", choices=("short", "long"), default="short")
    parser.add_argument("--trunk", required=True, help="an ONNX classifier with a global average pool, for (x - 127) / 128")
    parser.add_argument("--photos", required=True, nargs="+", help="folders of JPEG files")
    parser.add_argument("--per-class", type=int, default=100)
    parser.add_argument("--every", type=int, default=1, help="every n-th set only")
    parser.add_argument("--grouping", choices=("near", "random"), help="only sets whose classes are made so")
    parser.add_argument("--only", help="only sets in which this is planted, as rescaled")
    parser.add_argument("--sets", type=int, nargs="+", help="only the sets of these numbers")
    parser.add_argument("--backgrounds", action="store_true", help="only sets with backgrounds")
    parser.add_argument("--nights", action="store_true", help="processor time of the first set with properties, twice, with and without the search")
    parser.add_argument("--results", type=pathlib.Path, help="file for the results (pickle), written set by set")
    parser.add_argument("--again", action="store_true", help="print the figures of kept results")
    return parser.parse_args()


def read_results(path):
    results = []
    with open(path, "rb") as file:
        while file.peek(1):
            results.append(pickle.load(file))
    return results


def run_all(given):
    results, start = [], time.monotonic()
    cases = sets.all_cases(given.grid == "long", given.per_class)
    chosen = [case for case in cases if given.grouping in (None, case.grouping)]
    if given.backgrounds:
        chosen = [case for case in chosen if case.has_backgrounds]
    if given.sets:
        chosen = [case for case in chosen if case.seed in given.sets]
    if given.only:
        chosen = [case for case in chosen if any(plant.kind == given.only for plant in case.plants)]
    chosen = chosen[:: given.every]
    binary = given.binary.resolve()
    with concurrent.futures.ProcessPoolExecutor(PROCESSES) as pool:
        waiting = [
            pool.submit(sets.run, binary, given.trunk, given.photos, given.per_class, case) for case in chosen
        ]
        for number, done in enumerate(concurrent.futures.as_completed(waiting), 1):
            audited = done.result()
            results.append(audited)
            if given.results:
                with open(given.results, "ab") as file:
                    pickle.dump(audited, file)
            print(f"{number:3}/{len(chosen)} {figures.line(audited)}", flush=True)

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (used.ru_utime + used.ru_stime) / 60
    print(f"\n{(time.monotonic() - start) / 60:.0f} minutes, {cpu:.0f} minutes of processor time")
    return results


def main():
    given = options()
    if given.nights:
        cases = sets.all_cases(False, given.per_class)
        case = next(case for case in cases if any(plant.kind in sets.PROPERTIES for plant in case.plants))
        times = sets.nights(given.binary.resolve(), given.trunk, given.photos, given.per_class, case)
        for (search, night), seconds in times.items():
            print(f"{search}, {night} night: {seconds:.1f} s")
        return 0
    if given.again:
        return figures.report(read_results(given.results), given.per_class)
    if given.results:
        given.results.unlink(missing_ok=True)
    return figures.report(run_all(given), given.per_class)


if __name__ == "__main__":
    sys.exit(main())

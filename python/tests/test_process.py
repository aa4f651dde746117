"""Threads, forks, signals, memory: what a long-lived process asks of an extension."""

import concurrent.futures
import gc
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import threading
import time

import valence

TEXTS = ["I love this", "I hate this", "It is a box", "worst day ever 😀"] * 20


def test_import_loads_nothing():
    code = ("import sys; before = set(sys.modules); import valence; new = set(sys.modules) - before;"
            "print(sorted(name for name in new if not name.startswith(('importlib', 'warnings'))))")
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "['valence']"


def test_threads_get_the_same_answers(classify):
    expected = classify(TEXTS)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(answer == expected for answer in pool.map(lambda _: classify(TEXTS), range(16)))


def in_child(work):
    """What `work` says in a forked child: its exit status."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(60)
            status = 0 if work() else 1
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def test_a_forked_child_classifies(classify):
    expected = classify(TEXTS)
    assert in_child(lambda: classify(TEXTS) == expected and classify(TEXTS[0]) == expected[:1]) == 0
    assert in_child(lambda: in_child(lambda: classify(TEXTS) == expected) == 0) == 0
    assert classify(TEXTS) == expected


def test_a_child_forked_during_a_call_classifies(classify):
    expected = classify(TEXTS)
    going = threading.Event()

    def work():
        while not going.is_set():
            classify(TEXTS * 20)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(3):
            time.sleep(0.1)
            assert in_child(lambda: classify(TEXTS) == expected) == 0
    finally:
        going.set()
        thread.join()


def labels_of(texts):
    return [row["label"] for row in labels_of.classify(texts)]


def test_a_pool_of_processes(classify):
    labels_of.classify = classify
    with multiprocessing.get_context("fork").Pool(2) as pool:
        parts = pool.map(labels_of, [TEXTS[:10], TEXTS[10:20]])
    assert parts[0] == labels_of(TEXTS[:10])


def test_other_threads_run_meanwhile(classify):
    ticks = []
    done = threading.Event()

    def beat():
        while not done.is_set():
            ticks.append(1)
            time.sleep(0.002)

    thread = threading.Thread(target=beat)
    thread.start()
    classify(TEXTS * 30)
    done.set()
    thread.join()
    assert len(ticks) > 10


INTERRUPTED = """
import os, signal, threading, time, valence
classify = valence.pipeline()
texts = {texts}
classify("warm up")
sent = []
def interrupt():
    time.sleep(1)
    sent.append(time.perf_counter())
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    while True:
        classify(texts)
except KeyboardInterrupt:
    print(time.perf_counter() - sent[0])
assert classify("I love this")[0]["label"] == "positive"
"""


def test_an_interrupt_ends_a_long_call():
    for texts in ('["I love this wonderful thing and more words."] * 100000', '"one very long text " * 500000'):
        run = subprocess.run([sys.executable, "-c", INTERRUPTED.format(texts=texts)], capture_output=True, text=True,
                             timeout=120, check=True)
        assert float(run.stdout) < 5, run.stdout


def test_a_handler_of_the_user_is_run(classify):
    class Alarm(Exception):
        pass

    def ring(*_):
        raise Alarm

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        try:
            while True:
                classify(TEXTS * 100)
        except Alarm:
            pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert classify(TEXTS[0])[0]["label"] == "positive"


def test_memory_does_not_grow(tiny):
    classify, analyzer = valence.pipeline(model=tiny("bert"), threads=1), valence.Analyzer(tiny("bert"), threads=1)

    def calls(count):
        for _ in range(count):
            classify(TEXTS[:8], top_k=None)
            analyzer.analyze(TEXTS[:8])
            analyzer.logits(TEXTS[:8])
        gc.collect()

    def resident():
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    calls(100)
    before = resident()
    calls(1000)
    assert resident() - before < 8 << 20


LOADED_AGAIN = """
import resource, valence
def resident():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()
for count in range(30):
    valence.Analyzer(threads=1).analyze("good")
    if count == 5:
        before = resident()
print(resident() - before)
"""


def test_models_are_freed():
    # In a process of its own: what other tests left in the heap is not the question.
    run = subprocess.run([sys.executable, "-c", LOADED_AGAIN], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 20 << 20


def test_the_whole_program_comes_along(reviews):
    run = subprocess.run([sys.executable, "-m", "valence", "analyze", "I love this"], capture_output=True,
                         text=True, check=True)
    assert '"positive"' in run.stdout
    wrong = subprocess.run([sys.executable, "-m", "valence", "analyse"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2 and wrong.stderr.startswith("valence: ")

"""Runs scenarios, each in a process of its own that has already imported its framework.

Importing takes most of the time of a scenario. So the modules that are named as arguments are imported
once, and each path that is read from standard input is run in a copy of this process. Of each, standard
output and errors come back behind a line with the exit status and the two lengths.
"""

import gc
import importlib
import os
import runpy
import sys
import tempfile


def run(path):
    out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
    pid = os.fork()
    if pid == 0:
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        os.chdir(os.path.dirname(path))
        sys.path[0] = os.getcwd()
        sys.argv = [os.path.basename(path)]
        status = 0
        try:
            runpy.run_path(sys.argv[0], run_name="__main__")
        except SystemExit as e:
            status = e.code if isinstance(e.code, int) else int(e.code is not None)
        except BaseException:
            status = 1
            sys.excepthook(*sys.exc_info())
        gc.collect()  # as an interpreter does that ends: some say something when they are collected
        sys.stdout.flush()
        os._exit(status)
    _, status = os.waitpid(pid, 0)
    texts = []
    for f in out, err:
        f.seek(0)
        texts.append(f.read())
    head = f"{os.waitstatus_to_exitcode(status)} {len(texts[0])} {len(texts[1])}\n"
    sys.stdout.buffer.write(head.encode() + texts[0] + texts[1])
    sys.stdout.buffer.flush()


for module in sys.argv[1:]:
    importlib.import_module(module)
for line in sys.stdin:
    run(line.strip())

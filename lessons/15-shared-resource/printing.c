/* printing.c: two file objects, written in Python, on two functions in C. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "lesson.h"
#include "printing.h"

/* Log waits for the end of a line, or of Python, unless the line grows long. */
static const char source[] =
    "import atexit, io, sys\n"
    "class Out(io.RawIOBase):\n"
    "    def writable(self): return True\n"
    "    def write(self, data):\n"
    "        put_out(bytes(data))\n"
    "        return len(data)\n"
    "class Log(Out):\n"
    "    rest = b''\n"
    "    def write(self, data):\n"
    "        *whole, rest = (self.rest + data).split(b'\\n')\n"
    "        if len(rest) > 500: whole, rest = whole + [rest], b''\n"
    "        self.rest = rest\n"
    "        for line in whole: put_log(line)\n"
    "        return len(data)\n"
    "def text(raw):\n"
    "    return io.TextIOWrapper(raw, 'utf-8', 'backslashreplace',\n"
    "                            newline='\\n', line_buffering=True)\n"
    "sys.stdout = sys.__stdout__ = text(Out())\n"
    "sys.stderr = sys.__stderr__ = text(Log())\n"
    "@atexit.register\n"
    "def end(log=sys.stderr):\n"
    "    log.flush()\n"
    "    if log.buffer.rest: put_log(log.buffer.rest)\n";

/* Up to a byte that may stay as it is: a newline, or a tab. */
static size_t print_part(const char *at, size_t left) {
  size_t n = 0;
  while (n < left && at[n] != '\n' && at[n] != '\t')
    n++;
  char *text = lesson_alloc(4 * n + 1);
  fputs(lesson_printable(text, 4 * n + 1, at, n), stdout);
  free(text);
  if (n < left)
    putchar(at[n++]);
  return n;
}

static void print_bytes(const char *at, size_t size) {
  flockfile(stdout);
  while (size > 0) {
    size_t n = print_part(at, size);
    at += n;
    size -= n;
  }
  fflush(stdout);
  funlockfile(stdout);
}

/* Escaped here, for lesson_log would end at a NUL. */
static void log_line(const char *at, size_t size) {
  char *text = lesson_alloc(4 * size + 1);
  lesson_log("%s", lesson_printable(text, 4 * size + 1, at, size));
  free(text);
}

/* A pipe may be full, so others have Python's lock meanwhile. */
static PyObject *put(PyObject *bytes, void (*how)(const char *, size_t)) {
  char *at;
  Py_ssize_t size;
  if (PyBytes_AsStringAndSize(bytes, &at, &size))
    return NULL;
  Py_BEGIN_ALLOW_THREADS;
  how(at, (size_t)size);
  Py_END_ALLOW_THREADS;
  Py_RETURN_NONE;
}

static PyObject *put_out(PyObject *self, PyObject *bytes) {
  return put(bytes, print_bytes);
}

static PyObject *put_log(PyObject *self, PyObject *bytes) {
  return put(bytes, log_line);
}

static bool add_function(PyObject *globals, PyMethodDef *method) {
  PyObject *callable = PyCFunction_New(method, NULL);
  int err = !callable ||
            PyDict_SetItemString(globals, method->ml_name, callable) != 0;
  Py_XDECREF(callable);
  return !err;
}

bool printing_start(void) {
  static PyMethodDef methods[] = {{"put_out", put_out, METH_O, NULL},
                                  {"put_log", put_log, METH_O, NULL}};
  PyObject *globals = PyDict_New(), *done = NULL;
  if (globals && add_function(globals, &methods[0]) &&
      add_function(globals, &methods[1]))
    done = PyRun_String(source, Py_file_input, globals, globals);
  Py_XDECREF(done);
  Py_XDECREF(globals);
  return done != NULL;
}

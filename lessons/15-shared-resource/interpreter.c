/* interpreter.c: CPython, embedded.
 *
 * Its one lock, the GIL, is taken by PyGILState_Ensure and given back by
 * PyGILState_Release. No reference to a Python object leaves this file: request
 * and answer are copied, so nobody has to come back with the lock to let go of
 * one. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "interpreter.h"

#include <uv.h>

static PyObject *function;
static const char *function_name;
static PyThreadState *main_thread;

/* ---------------------------------------------------------- what is wrong */

/* Room for one line; a path may be long. */
static char complaint[1000];

__attribute__((format(printf, 1, 2))) static const char *
complain(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(complaint, sizeof complaint, format, args);
  va_end(args);
  return complaint;
}

/* What Python says may contain anything. */
static void make_one_line(char *text) {
  for (; *text; text++)
    if ((unsigned char)*text < ' ' || *text == 0x7f)
      *text = ' ';
}

/* Where it was raised: "app.py:31: ". A script that cannot be read was never
 * run and has no such place. */
static int print_place(char *line, size_t size, PyObject *trace) {
  PyTracebackObject *last = (PyTracebackObject *)trace;
  if (!last)
    return 0;
  while (last->tb_next)
    last = last->tb_next;
  PyCodeObject *code = PyFrame_GetCode(last->tb_frame);
  const char *file = PyUnicode_AsUTF8(code->co_filename);
  int n = snprintf(line, size, "%s:%d: ", file ? file : "?",
                   PyFrame_GetLineNumber(last->tb_frame));
  Py_DECREF(code);
  return n;
}

/* Takes the exception that is set and says it in one line. PyErr_Print could
 * not be used: for sys.exit() it ends the process. */
static void print_exception(char *line, size_t size) {
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  PyObject *text = PyObject_Str(value);
  const char *words = text ? PyUnicode_AsUTF8(text) : NULL;
  int n = print_place(line, size, trace);
  if (n >= 0 && (size_t)n < size)
    snprintf(line + n, size - (size_t)n, "%s%s%s", Py_TYPE(value)->tp_name,
             words && *words ? ": " : "", words ? words : "");
  make_one_line(line);
  PyErr_Clear(); /* to say it in words may have raised another one */
  Py_XDECREF(text);
  Py_XDECREF(type);
  Py_XDECREF(value);
  Py_XDECREF(trace);
}

/* ------------------------------------------------------ beginning and end */

/* Isolated: no environment variable and no file of the user has a say. */
static PyStatus start_python(const char *program) {
  PyPreConfig before;
  PyPreConfig_InitIsolatedConfig(&before);
  before.utf8_mode = 1;
#ifdef _Py_ADDRESS_SANITIZER /* which knows what malloc gives, and no other */
  before.allocator = PYMEM_ALLOCATOR_MALLOC;
#endif
  PyStatus status = Py_PreInitialize(&before);
  if (PyStatus_Exception(status))
    return status;
  PyConfig config;
  PyConfig_InitIsolatedConfig(&config);
  config.buffered_stdio = 0;
  /* Without a name it would be "python3", which is looked for in PATH. Where
   * that is another Python, its library would be taken for ours. */
  status = PyConfig_SetBytesString(&config, &config.program_name, program);
  if (!PyStatus_Exception(status))
    status = Py_InitializeFromConfig(&config);
  PyConfig_Clear(&config);
  return status;
}

/* Runs the script as a module, "app"; false when it raised an exception. */
static bool run_script(FILE *file, const char *path, PyObject *globals) {
  PyObject *name = PyUnicode_DecodeFSDefault(path);
  if (name)
    PyDict_SetItemString(globals, "__file__", name);
  Py_XDECREF(name);
  PyObject *done =
      PyRun_FileEx(file, path, Py_file_input, globals, globals, true);
  Py_XDECREF(done);
  return done != NULL;
}

static const char *load(const char *path, const char *name) {
  FILE *file = fopen(path, "r");
  if (!file)
    return complain("%s: %s", path, strerror(errno));
  PyObject *globals = PyModule_GetDict(PyImport_AddModule("app"));
  if (!run_script(file, path, globals)) {
    char line[500];
    print_exception(line, sizeof line);
    return complain("%s does not load: %s", path, line);
  }
  PyObject *found = PyDict_GetItemString(globals, name);
  if (!found || !PyCallable_Check(found))
    return complain("%s has no function '%s'", path, name);
  function = Py_NewRef(found);
  function_name = name;
  return NULL;
}

const char *interpreter_start(const char *program, const char *path,
                              const char *name) {
  PyStatus status = start_python(program);
  if (PyStatus_Exception(status))
    return complain("Python does not start: %s", status.err_msg);
  const char *wrong = load(path, name);
  if (wrong)
    Py_FinalizeEx();
  else
    main_thread = PyEval_SaveThread(); /* lets go of the lock */
  return wrong;
}

const char *interpreter_version(void) {
  static char version[32];
  snprintf(version, sizeof version, "%.*s", (int)strcspn(Py_GetVersion(), " "),
           Py_GetVersion());
  return version;
}

void interpreter_end(void) {
  PyEval_RestoreThread(main_thread);
  Py_CLEAR(function);
  Py_FinalizeEx();
}

/* ------------------------------------------------------------- questions */

__attribute__((format(printf, 3, 4))) static int
refuse(struct question *q, int err, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(q->why, sizeof q->why, format, args);
  va_end(args);
  return err;
}

/* With the lock: the answer, if this is one. */
static int take_answer(struct question *q, PyObject *result) {
  if (!PyBytes_Check(result))
    return refuse(q, UV_EINVAL, "%s() returned %s, not bytes", function_name,
                  Py_TYPE(result)->tp_name);
  q->answer_size = (size_t)PyBytes_GET_SIZE(result);
  if (q->answer_size > FRAME_MAX)
    return refuse(q, UV_EMSGSIZE, "%s() returned %zu bytes, and %d can be sent",
                  function_name, q->answer_size, FRAME_MAX);
  q->answer = malloc(q->answer_size + 1);
  if (!q->answer)
    return refuse(q, UV_ENOMEM, "no memory for %zu bytes", q->answer_size);
  memcpy(q->answer, PyBytes_AS_STRING(result), q->answer_size);
  return 0;
}

/* region: ask */
/* Blocks until Python's lock is free, and while the function runs; which has to
 * hand the lock on every 5 ms when others wait for it. */
int interpreter_ask(void *arg) {
  struct question *q = arg;
  PyGILState_STATE state = PyGILState_Ensure();
  PyObject *result = PyObject_CallFunction(function, "y#", q->request,
                                           (Py_ssize_t)q->request_size);
  int err = UV_EIO;
  if (result)
    err = take_answer(q, result);
  else
    print_exception(q->why, sizeof q->why);
  Py_XDECREF(result);
  PyGILState_Release(state);
  return err;
}
/* end: ask */

/* -------------------------------------------------------- LeakSanitizer */

/* From 3.12 on Python never frees its interned strings. What C code of ours
 * loses is reported as before. */
#if defined(_Py_ADDRESS_SANITIZER) && PY_VERSION_HEX >= 0x030c0000
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libpython\n"; }
const char *__lsan_default_options(void);
const char *__lsan_default_options(void) { return "print_suppressions=0"; }
#endif

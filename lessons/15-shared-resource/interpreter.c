/* interpreter.c: CPython, embedded.
 *
 * Its one lock, the GIL, is taken by PyGILState_Ensure and given back by
 * PyGILState_Release. Request and answer are copied, so no reference to a
 * Python object leaves this file, and nobody needs the lock again to release
 * one. What Python says of an error may contain anything; the log escapes it.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "interpreter.h"
#include "lesson.h"
#include "printing.h"

#include <limits.h>
#include <unistd.h>
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

/* Where it was raised: "app.py:31: ", the end of a long path. A script that
 * cannot be read was never run and has no such place. */
enum { PATH_SHOWN = 80 };

static int print_place(char *line, size_t size, PyObject *trace) {
  PyTracebackObject *last = (PyTracebackObject *)trace;
  if (!last)
    return 0;
  while (last->tb_next)
    last = last->tb_next;
  PyCodeObject *code = PyFrame_GetCode(last->tb_frame);
  const char *file = PyUnicode_AsUTF8(code->co_filename);
  size_t length = file ? strlen(file) : 0;
  bool whole = length <= PATH_SHOWN;
  int n = snprintf(line, size, "%s%s:%d: ", whole ? "" : "...",
                   file ? file + (whole ? 0 : length - PATH_SHOWN) : "?",
                   PyFrame_GetLineNumber(last->tb_frame));
  Py_DECREF(code);
  return n;
}

/* Takes the exception that is set and says what and where. PyErr_Print is no
 * choice: for sys.exit() it ends the process. */
static void print_exception(char *line, size_t size) {
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  PyObject *text = PyObject_Str(value);
  Py_ssize_t length = 0;
  const char *words = text ? PyUnicode_AsUTF8AndSize(text, &length) : NULL;
  int n = print_place(line, size, trace);
  n += snprintf(line + n, size - (size_t)n, "%.80s%s", Py_TYPE(value)->tp_name,
                length ? ": " : "");
  lesson_printable(line + n, size - (size_t)n, words ? words : "",
                   (size_t)length);
  PyErr_Clear(); /* to say it in words may have raised another one */
  Py_XDECREF(text);
  Py_XDECREF(type);
  Py_XDECREF(value);
  Py_XDECREF(trace);
}

/* In front of it, what could not be done. */
static const char *complain_of(const char *what, const char *path) {
  char line[500];
  if (!PyErr_Occurred())
    PyErr_SetString(PyExc_RuntimeError, "something is missing in sys");
  print_exception(line, sizeof line);
  return complain("%s%s: %s", path, what, line);
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
  config.write_bytecode = 0; /* the script's folder stays as it is */
  /* Without a name it would be "python3", which is looked for in PATH. Where
   * that is another Python, its library would be taken for ours. */
  status = PyConfig_SetBytesString(&config, &config.program_name, program);
  if (!PyStatus_Exception(status))
    status = Py_InitializeFromConfig(&config);
  PyConfig_Clear(&config);
  return status;
}

/* A script starts others of its kind with sys.executable, and Python takes the
 * program that it is in for that. It is the program that came with the library,
 * or None if there is none. */
static bool name_executable(void) {
  PyObject *prefix = PySys_GetObject("base_exec_prefix");
  PyObject *path =
      prefix ? PyUnicode_FromFormat("%U/bin/python%d.%d", prefix,
                                    PY_MAJOR_VERSION, PY_MINOR_VERSION)
             : NULL;
  const char *bytes = path ? PyUnicode_AsUTF8(path) : NULL;
  PyObject *found = bytes && access(bytes, X_OK) == 0 ? path : Py_None;
  bool done = bytes && PySys_SetObject("executable", found) == 0 &&
              PySys_SetObject("_base_executable", found) == 0;
  Py_XDECREF(path);
  return done;
}

/* Files beside the script can be imported, as if Python had started it. */
static bool add_directory(const char *path) {
  char real[PATH_MAX];
  if (!realpath(path, real)) {
    PyErr_SetFromErrno(PyExc_OSError);
    return false;
  }
  Py_ssize_t length = strrchr(real, '/') - real;
  PyObject *list = PySys_GetObject("path"),
           *directory =
               PyUnicode_DecodeFSDefaultAndSize(real, length ? length : 1);
  bool done = list && directory && PyList_Insert(list, 0, directory) == 0;
  Py_XDECREF(directory);
  return done;
}

/* A module for the script. Its name is the one by which files beside it import
 * it, unless that is taken, as by a script called time.py. */
static PyObject *add_module(const char *path) {
  const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
  char name[NAME_MAX + 1];
  snprintf(name, sizeof name, "%.*s", (int)strcspn(file, "."), file);
  bool taken = PyDict_GetItemString(PyImport_GetModuleDict(), name) != NULL;
  return PyImport_AddModule(taken || !*name ? "__app__" : name);
}

/* Runs the script in its module; false when it raised an exception. */
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
  PyObject *module = add_directory(path) ? add_module(path) : NULL;
  PyObject *globals = module ? PyModule_GetDict(module) : NULL;
  if (!globals) {
    fclose(file);
    return complain_of(" has no place", path);
  }
  if (!run_script(file, path, globals))
    return complain_of(" does not load", path);
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
  const char *wrong = name_executable() && printing_start()
                          ? load(path, name)
                          : complain_of("Python does not start", "");
  if (wrong)
    Py_FinalizeEx();
  else
    main_thread = PyEval_SaveThread(); /* releases the lock */
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

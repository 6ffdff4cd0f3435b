/* The C interface against itself: errors, equality of its several ways to draw, no allocation in
 * the step, several threads over one net.  test_c_api net.safetensors */
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sketchrnn/sketchrnn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures = 0;

#define CHECK(condition)                                                      \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
      ++failures;                                                             \
    }                                                                         \
  } while (0)

/* Every allocation of the program and of the libraries it loads comes through here. */
#if defined(__GLIBC__)
#define COUNTS_ALLOCATIONS 1
extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);
static long allocations = 0;
static void count_one(void) { __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED); }
void* malloc(size_t n) { return count_one(), __libc_malloc(n); }
void* calloc(size_t n, size_t size) { return count_one(), __libc_calloc(n, size); }
void* realloc(void* p, size_t n) { return count_one(), __libc_realloc(p, n); }
void* memalign(size_t a, size_t n) { return count_one(), __libc_memalign(a, n); }
void* aligned_alloc(size_t a, size_t n) { return count_one(), __libc_memalign(a, n); }
int posix_memalign(void** p, size_t a, size_t n) {
  count_one();
  *p = __libc_memalign(a, n);
  return *p == NULL ? ENOMEM : 0;
}
#endif

static sketchrnn_error error;

static int says(const char* what) {
  if (strstr(error.message, what) != NULL) return 1;
  fprintf(stderr, "message: %s\n", error.message);
  return 0;
}

static void* read_file(const char* path, size_t* size) {
  FILE* file = fopen(path, "rb");
  if (file == NULL) exit(2);
  fseek(file, 0, SEEK_END);
  *size = (size_t)ftell(file);
  rewind(file);
  void* data = malloc(*size);
  if (data == NULL || fread(data, 1, *size, file) != *size) exit(2);
  fclose(file);
  return data;
}

static void test_open_errors(const char* path) {
  sketchrnn_net* net = (sketchrnn_net*)&failures; /* must stay as it is on failure */
  sketchrnn_net* const before = net;
  CHECK(sketchrnn_net_open("/no/such/file", NULL, &net, &error) == SKETCHRNN_ERROR_WEIGHTS);
  CHECK(says("/no/such/file"));
  CHECK(sketchrnn_net_open(NULL, NULL, &net, &error) == SKETCHRNN_ERROR_ARGUMENT);
  CHECK(says("path"));
  CHECK(sketchrnn_net_open(path, NULL, NULL, &error) == SKETCHRNN_ERROR_ARGUMENT);
  CHECK(says("net"));
  CHECK(sketchrnn_net_open(path, "f31", &net, &error) == SKETCHRNN_ERROR_ARGUMENT);
  CHECK(says("precision") && says("f31") && says("f32"));
  CHECK(sketchrnn_net_open("/no/such/file", NULL, &net, NULL) == SKETCHRNN_ERROR_WEIGHTS);

  size_t size;
  unsigned char* data = read_file(path, &size);
  const size_t cuts[] = {0, 1, 7, 8, 9, 100, size / 2, size - 1};
  for (size_t i = 0; i < sizeof cuts / sizeof *cuts; ++i)
    CHECK(sketchrnn_net_open_memory(data, cuts[i], NULL, &net, &error) == SKETCHRNN_ERROR_WEIGHTS);
  CHECK(sketchrnn_net_open_memory(NULL, size, NULL, &net, &error) == SKETCHRNN_ERROR_ARGUMENT);
  CHECK(net == before);

  /* A message longer than its room is cut between characters and terminated. */
  char long_path[2000];
  for (size_t i = 0; i < sizeof long_path - 2; i += 2) memcpy(long_path + i, "\xC3\xA9", 2);
  long_path[0] = '/';
  long_path[1] = 'x';
  long_path[sizeof long_path - 2] = '\0';
  CHECK(sketchrnn_net_open(long_path, NULL, &net, &error) == SKETCHRNN_ERROR_WEIGHTS);
  const size_t n = strlen(error.message);
  CHECK(n >= sizeof error.message - 2 && n < sizeof error.message);
  CHECK((unsigned char)error.message[n - 1] == 0xA9);
  free(data);
}

static int same(const sketchrnn_row* a, const sketchrnn_row* b, size_t n) {
  return memcmp(a, b, n * sizeof *a) == 0;
}

static void test_net(const sketchrnn_net* net) {
  CHECK(sketchrnn_net_hidden_size(net) > 0);
  CHECK(sketchrnn_net_outputs(net) == 3 + 6 * sketchrnn_net_mixtures(net));
  CHECK(sketchrnn_net_max_len(net) > 0);
  CHECK(sketchrnn_net_scale_factor(net) > 0);
  CHECK(sketchrnn_net_packed_bytes(net) > 0);
  CHECK(strlen(sketchrnn_net_isa(net)) > 0);
  if (sketchrnn_net_objects(net) == 0)
    CHECK(strcmp(sketchrnn_net_metadata(net, "name"), sketchrnn_net_name(net)) == 0);
  CHECK(sketchrnn_net_metadata(net, "no such key") == NULL);
  CHECK(strcmp(sketchrnn_status_name(SKETCHRNN_ERROR_WEIGHTS), "SKETCHRNN_ERROR_WEIGHTS") == 0);
  CHECK(strcmp(sketchrnn_status_name((sketchrnn_status)99), "unknown status") == 0);
  char version[32];
  snprintf(version, sizeof version, "%d.%d.%d", SKETCHRNN_VERSION_MAJOR, SKETCHRNN_VERSION_MINOR,
           SKETCHRNN_VERSION_PATCH);
  CHECK(strcmp(sketchrnn_version(), version) == 0);
}

static void test_draw(const sketchrnn_net* net) {
  sketchrnn_draw_options options = SKETCHRNN_DRAW_OPTIONS_INIT;
  options.count = 9;
  options.seed = 5;
  options.index = 3;
  options.max_len = 60;
  options.threads = 3;
  sketchrnn_drawings* batch;
  CHECK(sketchrnn_net_draw(net, &options, &batch, &error) == SKETCHRNN_OK);
  CHECK(sketchrnn_drawings_count(batch) == 9);
  size_t length = 1;
  CHECK(sketchrnn_drawings_get(batch, 9, &length) == NULL && length == 0);

  for (size_t k = 0; k < 9; ++k) {
    const sketchrnn_row* rows = sketchrnn_drawings_get(batch, k, &length);
    sketchrnn_state* state;
    CHECK(sketchrnn_state_create(net, 5, 3 + k, &state, &error) == SKETCHRNN_OK);
    for (size_t i = 0; i < length; ++i) {
      sketchrnn_row row;
      CHECK(sketchrnn_state_step(state, 0.4, &row, &error) == SKETCHRNN_OK);
      CHECK(same(&row, rows + i, 1));
    }
    CHECK(sketchrnn_state_position(state) == length);
    CHECK(sketchrnn_state_finished(state) == (rows[length - 1].p3 == 1));
    CHECK(length == 60 || sketchrnn_state_finished(state));
    sketchrnn_state_free(state);
  }

  /* Completing: the given part comes first; continuing nothing is drawing. */
  sketchrnn_drawings* more;
  const sketchrnn_row* first = sketchrnn_drawings_get(batch, 0, &length);
  const size_t part = length / 2;
  CHECK(part > 0);
  CHECK(sketchrnn_net_complete(net, first, part, &options, &more, &error) == SKETCHRNN_OK);
  for (size_t k = 0; k < 9; ++k) {
    size_t n;
    const sketchrnn_row* rows = sketchrnn_drawings_get(more, k, &n);
    CHECK(n > part && n <= 60 && same(rows, first, part));
  }
  sketchrnn_drawings_free(more);
  CHECK(sketchrnn_net_complete(net, NULL, 0, &options, &more, &error) == SKETCHRNN_OK);
  size_t n;
  const sketchrnn_row* again = sketchrnn_drawings_get(more, 0, &n);
  CHECK(n == length && same(again, first, n));
  sketchrnn_drawings_free(more);

  more = batch; /* must stay as it is on failure */
  options.temperature = -1;
  CHECK(sketchrnn_net_draw(net, &options, &more, &error) == SKETCHRNN_ERROR_ARGUMENT);
  CHECK(says("temperature"));
  options.temperature = NAN;
  CHECK(sketchrnn_net_draw(net, &options, &more, &error) == SKETCHRNN_ERROR_ARGUMENT);
  options.temperature = 0.4;
  options.threads = 0;
  CHECK(sketchrnn_net_draw(net, &options, &more, &error) == SKETCHRNN_ERROR_ARGUMENT);
  CHECK(says("threads"));
  options.threads = 1;
  options.size = 8;
  CHECK(sketchrnn_net_draw(net, &options, &more, &error) == SKETCHRNN_ERROR_ARGUMENT);
  CHECK(says("size"));
  options.size = sizeof options;
  options.max_len = part;
  CHECK(sketchrnn_net_complete(net, first, part, &options, &more, &error) ==
        SKETCHRNN_ERROR_ARGUMENT);
  CHECK(says("max_len"));
  CHECK(sketchrnn_net_complete(net, NULL, 3, NULL, &more, &error) == SKETCHRNN_ERROR_ARGUMENT);
  CHECK(says("partial"));
  const sketchrnn_row ended = {0, 0, 0, 0, 1};
  CHECK(sketchrnn_net_complete(net, &ended, 1, NULL, &more, &error) == SKETCHRNN_ERROR_ARGUMENT);
  CHECK(says("ended"));
  CHECK(more == batch);
  sketchrnn_drawings_free(batch);
}

/* The rows of drawing 0 of seed 3, in `rows` (60 of them have room), and how many. */
static size_t drawn_rows(const sketchrnn_net* net, sketchrnn_row* rows) {
  sketchrnn_draw_options options = SKETCHRNN_DRAW_OPTIONS_INIT;
  options.seed = 3;
  options.max_len = 60;
  sketchrnn_drawings* drawn;
  size_t n = 0;
  CHECK(sketchrnn_net_draw(net, &options, &drawn, &error) == SKETCHRNN_OK);
  const sketchrnn_row* first = sketchrnn_drawings_get(drawn, 0, &n);
  memcpy(rows, first, n * sizeof *rows);
  sketchrnn_drawings_free(drawn);
  return n;
}

/* A net of many objects gives out a net for each, which needs its parent no longer. */
static void test_objects(const char* path, const char* precision) {
  sketchrnn_net *net, *of = NULL;
  CHECK(sketchrnn_net_open(path, precision, &net, &error) == SKETCHRNN_OK);
  const size_t count = sketchrnn_net_objects(net);
  CHECK(sketchrnn_net_object(net, count) == NULL);
  CHECK(sketchrnn_net_of(net, "no such object", &of, &error) == SKETCHRNN_ERROR_ARGUMENT);
  CHECK(says("object") && says("no such object"));
  CHECK(sketchrnn_net_of(net, NULL, &of, &error) == SKETCHRNN_ERROR_ARGUMENT);
  CHECK(of == NULL);
  if (count == 0) {
    sketchrnn_net_close(net);
    return;
  }
  sketchrnn_row by_default[60], rows[3][60], again[60];
  size_t n[3];
  const size_t length = drawn_rows(net, by_default);
  CHECK(sketchrnn_net_of(net, sketchrnn_net_name(net), &of, &error) == SKETCHRNN_OK);
  CHECK(drawn_rows(of, again) == length && same(by_default, again, length));
  const size_t numbers[] = {0, count / 2, count - 1};
  for (size_t i = 0; i < 3; ++i) {
    const char* const name = sketchrnn_net_object(net, numbers[i]);
    sketchrnn_net* one;
    CHECK(sketchrnn_net_of(of, name, &one, &error) == SKETCHRNN_OK); /* of one as of the whole */
    CHECK(strcmp(sketchrnn_net_name(one), name) == 0);
    CHECK(sketchrnn_net_packed_bytes(one) == sketchrnn_net_packed_bytes(net));
    n[i] = drawn_rows(one, rows[i]);
    for (size_t j = 0; j < i; ++j) CHECK(n[i] != n[j] || !same(rows[i], rows[j], n[i]));
    sketchrnn_state* state;
    CHECK(sketchrnn_state_create(one, 3, 0, &state, &error) == SKETCHRNN_OK);
    if (i == 2) { /* neither the state nor the net of one object needs the others */
      sketchrnn_net_close(of);
      sketchrnn_net_close(net);
      CHECK(drawn_rows(one, again) == n[i] && same(rows[i], again, n[i]));
    }
    sketchrnn_net_close(one);
    for (size_t k = 0; k < n[i]; ++k) {
      CHECK(sketchrnn_state_step(state, 0.4, again, &error) == SKETCHRNN_OK);
      CHECK(same(again, rows[i] + k, 1));
    }
    sketchrnn_state_free(state);
  }
}

static int stop_at_once(size_t done, void* user) {
  (void)done;
  ++*(int*)user;
  return 1;
}

static void test_cancel(const sketchrnn_net* net) {
  int calls = 0;
  sketchrnn_draw_options options = SKETCHRNN_DRAW_OPTIONS_INIT;
  options.count = 1000000; /* hours, if it could not be stopped */
  options.progress = stop_at_once;
  options.user = &calls;
  sketchrnn_drawings* batch;
  CHECK(sketchrnn_net_draw(net, &options, &batch, &error) == SKETCHRNN_ERROR_CANCELLED);
  CHECK(calls == 1);
}

static void test_state(const sketchrnn_net* net) {
  const size_t outputs = (size_t)sketchrnn_net_outputs(net);
  const size_t m = (size_t)sketchrnn_net_mixtures(net);
  float* z = calloc(2 * outputs, sizeof *z);
  double* p = calloc(outputs, sizeof *p);
  sketchrnn_state *state, *copy;
  CHECK(sketchrnn_state_create(net, 1, 0, &state, &error) == SKETCHRNN_OK);

  sketchrnn_row rows[] = {{3, 4, 1, 0, 0}, {-5, 6.5f, 0, 1, 0}, {1, 1, 1, 0, 0}};
  rows[2].p2 = 1;
  CHECK(sketchrnn_state_feed(state, rows, 3, &error) == SKETCHRNN_ERROR_ARGUMENT);
  CHECK(says("rows: row 2") && says("pen"));
  rows[2].p2 = 0;
  rows[1].dy = INFINITY;
  CHECK(sketchrnn_state_feed(state, rows, 3, &error) == SKETCHRNN_ERROR_ARGUMENT);
  CHECK(says("rows: row 1") && says("finite"));
  CHECK(sketchrnn_state_position(state) == 0); /* none of a refused lot is taken in */
  rows[1].dy = 6.5f;
  CHECK(sketchrnn_state_feed(state, rows, 3, &error) == SKETCHRNN_OK);
  CHECK(sketchrnn_state_position(state) == 3);

  CHECK(sketchrnn_state_predict_raw(state, z, outputs - 1, &error) == SKETCHRNN_ERROR_ARGUMENT);
  CHECK(says("count"));
  CHECK(sketchrnn_state_predict_raw(state, z, outputs, &error) == SKETCHRNN_OK);
  CHECK(sketchrnn_state_predict(state, p, outputs, &error) == SKETCHRNN_OK);
  const double scale = sketchrnn_net_scale_factor(net);
  double pen = 0, pi = 0;
  for (size_t i = 0; i < 3; ++i) pen += p[i];
  for (size_t i = 0; i < m; ++i) {
    pi += p[3 + i];
    CHECK(p[3 + m + i] == z[3 + m + i] * scale);
    CHECK(p[3 + 2 * m + i] == z[3 + 2 * m + i] * scale);
    CHECK(p[3 + 3 * m + i] == exp(z[3 + 3 * m + i]) * scale);
    CHECK(p[3 + 4 * m + i] == exp(z[3 + 4 * m + i]) * scale);
    CHECK(p[3 + 5 * m + i] == tanh(z[3 + 5 * m + i]));
  }
  /* Sums of at most 23 probabilities in float64. */
  CHECK(fabs(pen - 1) < 1e-14 && fabs(pi - 1) < 1e-14);
  CHECK(fabs(p[1] / p[0] - exp((double)z[1] - z[0])) <= 1e-12 * p[1] / p[0]);

  /* A copy goes its own way and neither disturbs the other. */
  CHECK(sketchrnn_state_copy(state, &copy, &error) == SKETCHRNN_OK);
  sketchrnn_row a, b;
  CHECK(sketchrnn_state_step(copy, 1.0, &a, &error) == SKETCHRNN_OK);
  CHECK(sketchrnn_state_position(copy) == 4 && sketchrnn_state_position(state) == 3);
  CHECK(sketchrnn_state_predict_raw(state, z + outputs, outputs, &error) == SKETCHRNN_OK);
  CHECK(memcmp(z, z + outputs, outputs * sizeof *z) == 0);
  CHECK(sketchrnn_state_step(state, 1.0, &b, &error) == SKETCHRNN_OK);
  CHECK(same(&a, &b, 1));
  sketchrnn_state_free(copy);

  CHECK(sketchrnn_state_step(state, INFINITY, &a, &error) == SKETCHRNN_ERROR_ARGUMENT);
  CHECK(says("temperature"));
  const sketchrnn_row end = {0, 0, 0, 0, 1};
  CHECK(sketchrnn_state_feed(state, &end, 1, &error) == SKETCHRNN_OK);
  CHECK(sketchrnn_state_finished(state) == 1);
  CHECK(sketchrnn_state_step(state, 1.0, &a, &error) == SKETCHRNN_ERROR_FINISHED);
  sketchrnn_state_reset(state, 2, 7);
  CHECK(sketchrnn_state_position(state) == 0 && sketchrnn_state_finished(state) == 0);
  CHECK(sketchrnn_state_create(net, 2, 7, &copy, &error) == SKETCHRNN_OK);
  CHECK(sketchrnn_state_step(state, 0.5, &a, &error) == SKETCHRNN_OK);
  CHECK(sketchrnn_state_step(copy, 0.5, &b, &error) == SKETCHRNN_OK);
  CHECK(same(&a, &b, 1));
  sketchrnn_state_free(copy);
  sketchrnn_state_free(state);
  free(z);
  free(p);
}

/* A state that is given another's h and c predicts what that one does, and refuses what is no state. */
static void test_set_hidden(const sketchrnn_net* net) {
  const size_t outputs = (size_t)sketchrnn_net_outputs(net);
  const size_t hidden = (size_t)sketchrnn_net_hidden_size(net);
  float* z = malloc(2 * outputs * sizeof *z);
  float* h = malloc(2 * hidden * sizeof *h);
  sketchrnn_state *one, *other;
  sketchrnn_row row;
  CHECK(sketchrnn_state_create(net, 5, 0, &one, &error) == SKETCHRNN_OK);
  CHECK(sketchrnn_state_create(net, 6, 3, &other, &error) == SKETCHRNN_OK);
  for (int i = 0; i < 4 && !sketchrnn_state_finished(one); ++i)
    CHECK(sketchrnn_state_step(one, 0.4, &row, &error) == SKETCHRNN_OK);
  CHECK(sketchrnn_state_hidden(one, h, h + hidden, hidden, &error) == SKETCHRNN_OK);
  CHECK(sketchrnn_state_set_hidden(other, h, h + hidden, hidden, &error) == SKETCHRNN_OK);
  CHECK(sketchrnn_state_predict_raw(one, z, outputs, &error) == SKETCHRNN_OK);
  CHECK(sketchrnn_state_predict_raw(other, z + outputs, outputs, &error) == SKETCHRNN_OK);
  CHECK(memcmp(z, z + outputs, outputs * sizeof *z) == 0);
  CHECK(sketchrnn_state_set_hidden(other, h, h + hidden, hidden + 1, &error) ==
        SKETCHRNN_ERROR_ARGUMENT);
  CHECK(sketchrnn_state_set_hidden(other, NULL, h, hidden, &error) == SKETCHRNN_ERROR_ARGUMENT);
  h[hidden - 1] = INFINITY;
  CHECK(sketchrnn_state_set_hidden(other, h, h + hidden, hidden, &error) ==
        SKETCHRNN_ERROR_ARGUMENT);
  CHECK(strstr(error.message, "must be finite") != NULL);
  CHECK(sketchrnn_state_predict_raw(other, z + outputs, outputs, &error) == SKETCHRNN_OK);
  CHECK(memcmp(z, z + outputs, outputs * sizeof *z) == 0);
  sketchrnn_state_free(one);
  sketchrnn_state_free(other);
  free(z);
  free(h);
}

#ifdef COUNTS_ALLOCATIONS
static void test_no_allocation(const sketchrnn_net* net) {
  const size_t outputs = (size_t)sketchrnn_net_outputs(net);
  const size_t hidden = (size_t)sketchrnn_net_hidden_size(net);
  float* z = malloc(outputs * sizeof *z);
  double* p = malloc(outputs * sizeof *p);
  float* h = malloc(2 * hidden * sizeof *h);
  sketchrnn_state* state;
  const long unopened = allocations;
  CHECK(sketchrnn_state_create(net, 1, 0, &state, &error) == SKETCHRNN_OK);
  CHECK(allocations > unopened); /* the counter works */
  const sketchrnn_row rows[] = {{3, 4, 1, 0, 0}, {-5, 6, 0, 1, 0}};
  const long before = allocations;
  for (int round = 0; round < 3; ++round) {
    sketchrnn_row row;
    CHECK(sketchrnn_state_feed(state, rows, 2, &error) == SKETCHRNN_OK);
    for (int i = 0; i < 50 && !sketchrnn_state_finished(state); ++i)
      CHECK(sketchrnn_state_step(state, 0.4, &row, &error) == SKETCHRNN_OK);
    CHECK(sketchrnn_state_predict(state, p, outputs, &error) == SKETCHRNN_OK);
    CHECK(sketchrnn_state_predict_raw(state, z, outputs, &error) == SKETCHRNN_OK);
    CHECK(sketchrnn_state_hidden(state, h, h + hidden, hidden, &error) == SKETCHRNN_OK);
    CHECK(sketchrnn_state_set_hidden(state, h, h + hidden, hidden, &error) == SKETCHRNN_OK);
    sketchrnn_state_reset(state, 1, (uint64_t)round);
  }
  CHECK(allocations == before);
  sketchrnn_state_free(state);
  free(z);
  free(p);
  free(h);
}
#endif

struct job {
  const sketchrnn_net* net;
  uint64_t index;
  sketchrnn_row rows[40];
};

static void* draw_one(void* argument) {
  struct job* job = argument;
  sketchrnn_state* state;
  if (sketchrnn_state_create(job->net, 11, job->index, &state, NULL) != SKETCHRNN_OK) return NULL;
  for (int i = 0; i < 40; ++i) {
    if (sketchrnn_state_finished(state)) sketchrnn_state_reset(state, 11, job->index + 100);
    if (sketchrnn_state_step(state, 0.7, job->rows + i, NULL) != SKETCHRNN_OK) break;
  }
  sketchrnn_state_free(state);
  return job;
}

static void test_threads(const sketchrnn_net* net) {
  static struct job jobs[4], alone[4];
  pthread_t threads[4];
  for (int t = 0; t < 4; ++t) {
    alone[t].net = jobs[t].net = net;
    alone[t].index = jobs[t].index = (uint64_t)t;
    CHECK(pthread_create(&threads[t], NULL, draw_one, &jobs[t]) == 0);
  }
  for (int t = 0; t < 4; ++t) pthread_join(threads[t], NULL);
  for (int t = 0; t < 4; ++t) {
    CHECK(draw_one(&alone[t]) != NULL);
    CHECK(same(jobs[t].rows, alone[t].rows, 40));
  }
}

/* A state outlives the handle of its net. */
static void test_order_of_closing(const char* path) {
  sketchrnn_net* net;
  sketchrnn_state *state, *fresh;
  sketchrnn_row a, b;
  size_t size;
  void* data = read_file(path, &size);
  CHECK(sketchrnn_net_open_memory(data, size, "f32", &net, &error) == SKETCHRNN_OK);
  CHECK(sketchrnn_state_create(net, 1, 2, &state, &error) == SKETCHRNN_OK);
  CHECK(sketchrnn_state_create(net, 1, 2, &fresh, &error) == SKETCHRNN_OK);
  CHECK(sketchrnn_state_step(fresh, 0.4, &a, &error) == SKETCHRNN_OK);
  sketchrnn_state_free(fresh);
  sketchrnn_net_close(net);
  CHECK(sketchrnn_state_step(state, 0.4, &b, &error) == SKETCHRNN_OK);
  CHECK(same(&a, &b, 1));
  sketchrnn_state_free(state);
  free(data);
  sketchrnn_net_close(NULL);
  sketchrnn_state_free(NULL);
  sketchrnn_drawings_free(NULL);
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  test_open_errors(argv[1]);
  test_order_of_closing(argv[1]);
  const char* const precisions[] = {NULL, "f32", "i16", "i8"};
  size_t bytes[4], hidden = 0;
  for (int i = 0; i < 4; ++i) {
    sketchrnn_net* net;
    if (sketchrnn_net_open(argv[1], precisions[i], &net, &error) != SKETCHRNN_OK) {
      fprintf(stderr, "%s\n", error.message);
      return 1;
    }
    CHECK(strcmp(sketchrnn_net_precision(net), i == 0 ? "f32" : precisions[i]) == 0);
    bytes[i] = sketchrnn_net_packed_bytes(net);
    hidden = (size_t)sketchrnn_net_hidden_size(net);
    test_net(net);
    test_state(net);
    test_set_hidden(net);
    test_draw(net);
    test_cancel(net);
#ifdef COUNTS_ALLOCATIONS
    test_no_allocation(net);
#endif
    test_threads(net);
    sketchrnn_net_close(net);
    test_objects(argv[1], precisions[i]);
  }
  CHECK(bytes[0] == bytes[1] && bytes[2] > bytes[3]);
  // "f32" keeps weights as they are stored: in 8 bits that is less than "i16" takes, else more than
  // "i8".
  FILE* const file = fopen(argv[1], "rb");
  CHECK(file != NULL && fseek(file, 0, SEEK_END) == 0);
  const int in_8_bits = (size_t)ftell(file) < 8 * hidden * hidden;
  fclose(file);
  CHECK(in_8_bits ? bytes[1] < bytes[2] : bytes[1] > bytes[3]);
  if (failures == 0) printf("C interface: all good\n");
  return failures != 0;
}

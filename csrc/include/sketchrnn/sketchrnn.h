/* sketchrnn: Sketch-RNN (Ha & Eck 2017, arXiv 1704.03477) from C.
 *
 * A net is opened once and read by any number of threads. A state is one drawing in the making:
 * feed it what was drawn, step it to draw on. Whole batches come from sketchrnn_net_draw().
 *
 * - Errors: functions that can fail return a status and, where `error` is not NULL, put a message
 *   there that names the argument or field, what was expected and what was found. Nothing is
 *   printed, nothing aborts, no C++ exception comes out. Outputs are not written on failure.
 * - Threads: a net and a batch of drawings never change, any number of threads may use one at once.
 *   A state belongs to one thread at a time; different states are independent. Nothing is kept
 *   between calls outside of these objects.
 * - Memory: sketchrnn_state_feed, _step, _predict, _predict_raw, _hidden, _set_hidden and _reset allocate
 *   nothing and take no lock unless they return an error. A state keeps its net alive: the two may
 *   be closed in any order.
 * - Units: offsets are in data units (the pixels the net was trained on), y grows downwards.
 * - Results: a seed gives the same bits on every processor and system, whatever the number of
 *   threads and drawings, in f32, in i16 and in i8 each (the three differ from one another).
 * - Versions: semantic versioning. A program runs with the library of its header's version and with
 *   every later one of the same binary interface: before 1.0 that of the same minor version, from
 *   1.0 on of the same major version. Within one, structures that begin with their size may grow,
 *   enumerations may gain values, functions may be added; nothing else changes.
 */
#ifndef SKETCHRNN_SKETCHRNN_H
#define SKETCHRNN_SKETCHRNN_H

#include <stddef.h>
#include <stdint.h>

#define SKETCHRNN_VERSION_MAJOR 0
#define SKETCHRNN_VERSION_MINOR 1
#define SKETCHRNN_VERSION_PATCH 0

#if defined(_WIN32)
#if defined(SKETCHRNN_BUILDING_DLL)
#define SKETCHRNN_API __declspec(dllexport)
#else
#define SKETCHRNN_API
#endif
#elif defined(__GNUC__)
#define SKETCHRNN_API __attribute__((visibility("default")))
#else
#define SKETCHRNN_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- What all parts share: errors, rows, versions ---- */

typedef enum sketchrnn_status {
  SKETCHRNN_OK = 0,
  SKETCHRNN_ERROR_ARGUMENT = 1,  /* an argument is out of its range, or NULL */
  SKETCHRNN_ERROR_WEIGHTS = 2,   /* a net cannot be read, or is not one */
  SKETCHRNN_ERROR_FINISHED = 3,  /* the drawing has ended; reset the state */
  SKETCHRNN_ERROR_CANCELLED = 4, /* the progress function asked to stop */
  SKETCHRNN_ERROR_MEMORY = 5,    /* the system has no more memory */
  SKETCHRNN_ERROR_INTERNAL = 6   /* a fault of this library; the message says what is known */
} sketchrnn_status;

/* Zero-terminated UTF-8. Its content means something only after a call that failed. */
typedef struct sketchrnn_error {
  char message[512];
} sketchrnn_error;

/* One row of stroke-5: an offset and a pen state, of which exactly one is 1 and the others 0. */
typedef struct sketchrnn_row {
  float dx, dy;
  float p1; /* the pen stays down: a segment to the next point follows */
  float p2; /* the pen lifts after this point */
  float p3; /* the drawing has ended; the offset means nothing */
} sketchrnn_row;

typedef struct sketchrnn_net sketchrnn_net;
typedef struct sketchrnn_state sketchrnn_state;
typedef struct sketchrnn_drawings sketchrnn_drawings;

/* "0.1.0", of the library that runs; the macros above are those of this header. */
SKETCHRNN_API const char* sketchrnn_version(void);

/* "SKETCHRNN_ERROR_WEIGHTS" and so on; "unknown status" for any other number. */
SKETCHRNN_API const char* sketchrnn_status_name(sketchrnn_status status);

/* ---- Nets ---- */

/* Opens a .safetensors net. `precision`: "f32" (exact; NULL is the same), "i16" or "i8", how the
 * recurrent weights are kept in memory: 4, 2 or 1 bytes each. The environment variable
 * SKETCHRNN_ISA, where set, chooses among the instruction sets this machine has. */
SKETCHRNN_API sketchrnn_status sketchrnn_net_open(const char* path, const char* precision,
                                                  sketchrnn_net** net, sketchrnn_error* error);

/* The same from memory, such as an array written by `sketchrnn embed`. The bytes are not copied:
 * they must stay as they are until the net and all its states are closed. */
SKETCHRNN_API sketchrnn_status sketchrnn_net_open_memory(const void* data, size_t size,
                                                         const char* precision, sketchrnn_net** net,
                                                         sketchrnn_error* error);

/* A net of many objects (`load("everything")` in Python) has a list of them and draws its default
 * one; of any other net there are 0. sketchrnn_net_object() is NULL where there is no such number.
 */
SKETCHRNN_API size_t sketchrnn_net_objects(const sketchrnn_net* net);
SKETCHRNN_API const char* sketchrnn_net_object(const sketchrnn_net* net, size_t i);

/* The same net drawing another of its objects, over the same memory; to be closed as well. */
SKETCHRNN_API sketchrnn_status sketchrnn_net_of(const sketchrnn_net* net, const char* object,
                                                sketchrnn_net** of, sketchrnn_error* error);

/* NULL is allowed. States made from the net stay usable. */
SKETCHRNN_API void sketchrnn_net_close(sketchrnn_net* net);

/* What the net is. The texts live as long as the net. */
SKETCHRNN_API const char* sketchrnn_net_name(const sketchrnn_net* net);
SKETCHRNN_API const char* sketchrnn_net_precision(const sketchrnn_net* net);
SKETCHRNN_API const char* sketchrnn_net_isa(const sketchrnn_net* net);
SKETCHRNN_API int sketchrnn_net_hidden_size(const sketchrnn_net* net); /* H */
SKETCHRNN_API int sketchrnn_net_mixtures(const sketchrnn_net* net);    /* M */
SKETCHRNN_API int sketchrnn_net_outputs(const sketchrnn_net* net);     /* 3 + 6 M */
SKETCHRNN_API int sketchrnn_net_max_len(const sketchrnn_net* net);     /* N_max of training */
SKETCHRNN_API float sketchrnn_net_scale_factor(const sketchrnn_net* net);

/* N_z, how many numbers a latent vector has: 0 for a net without an encoder. */
SKETCHRNN_API size_t sketchrnn_net_latent_size(const sketchrnn_net* net);

/* Bytes of the weights as they are kept in memory for the kernels. */
SKETCHRNN_API size_t sketchrnn_net_packed_bytes(const sketchrnn_net* net);

/* A text of the container's metadata ("licence", "training", ...), NULL if there is none. */
SKETCHRNN_API const char* sketchrnn_net_metadata(const sketchrnn_net* net, const char* key);

/* ---- States ---- */

/* A state at the start of drawing `index` of `seed`: stepping it gives the very rows that
 * sketchrnn_net_draw() gives for that drawing. */
SKETCHRNN_API sketchrnn_status sketchrnn_state_create(const sketchrnn_net* net, uint64_t seed,
                                                      uint64_t index, sketchrnn_state** state,
                                                      sketchrnn_error* error);

/* The same for a net with an encoder, of the latent vector `z`, `count` = N_z numbers. Without one
 * (NULL and 0) the drawing has that of (seed, index), also after a reset. */
SKETCHRNN_API sketchrnn_status sketchrnn_state_create_latent(const sketchrnn_net* net,
                                                             const float* z, size_t count,
                                                             uint64_t seed, uint64_t index,
                                                             sketchrnn_state** state,
                                                             sketchrnn_error* error);

/* An independent state at the same place. */
SKETCHRNN_API sketchrnn_status sketchrnn_state_copy(const sketchrnn_state* state,
                                                    sketchrnn_state** copy, sketchrnn_error* error);

/* NULL is allowed. */
SKETCHRNN_API void sketchrnn_state_free(sketchrnn_state* state);

/* Back to the start, of drawing `index` of `seed`. A state whose latent vector goes by these stays as
 * it is where there is no memory for another. */
SKETCHRNN_API void sketchrnn_state_reset(sketchrnn_state* state, uint64_t seed, uint64_t index);

/* Takes rows in as if they had been drawn (teacher forcing). Either all of them or, where one is
 * not stroke-5, none. */
SKETCHRNN_API sketchrnn_status sketchrnn_state_feed(sketchrnn_state* state,
                                                    const sketchrnn_row* rows, size_t count,
                                                    sketchrnn_error* error);

/* Draws the next movement and takes it in. `temperature`: finite, at least 0 (paper, eq. 8); 0
 * takes the likeliest. */
SKETCHRNN_API sketchrnn_status sketchrnn_state_step(sketchrnn_state* state, double temperature,
                                                    sketchrnn_row* row, sketchrnn_error* error);

/* The distribution of the next movement at temperature 1, in data units (paper, eq. 3 to 7), as
 * 3 + 6 M numbers: the pen's probabilities (3), then M each of pi, mu_x, mu_y, sigma_x, sigma_y and
 * rho. `count` is the room in `parameters`. */
SKETCHRNN_API sketchrnn_status sketchrnn_state_predict(sketchrnn_state* state, double* parameters,
                                                       size_t count, sketchrnn_error* error);

/* The same as the head puts it out, in the net's units: logits for pen and pi, log sigma, atanh
 * rho. */
SKETCHRNN_API sketchrnn_status sketchrnn_state_predict_raw(sketchrnn_state* state, float* z,
                                                           size_t count, sketchrnn_error* error);

/* The LSTM's h and c, `count` = H numbers each. */
SKETCHRNN_API sketchrnn_status sketchrnn_state_hidden(sketchrnn_state* state, float* h, float* c,
                                                      size_t count, sketchrnn_error* error);

/* Goes on from these h and c, finite numbers as _hidden gave them, instead of the state's own; its
 * seed and position stay, and where the drawing had ended it goes on. */
SKETCHRNN_API sketchrnn_status sketchrnn_state_set_hidden(sketchrnn_state* state, const float* h,
                                                          const float* c, size_t count,
                                                          sketchrnn_error* error);

/* Number of movements so far, and whether the last one ended the drawing (1 or 0). */
SKETCHRNN_API uint64_t sketchrnn_state_position(const sketchrnn_state* state);
SKETCHRNN_API int sketchrnn_state_finished(const sketchrnn_state* state);

/* ---- Whole drawings ---- */

typedef struct sketchrnn_draw_options {
  size_t size;                /* sizeof(sketchrnn_draw_options), set by the macro below */
  size_t count;               /* how many drawings */
  double temperature;         /* finite, at least 0 (paper, eq. 8) */
  double softmax_temperature; /* the same for component and pen alone; negative: `temperature` */
  uint64_t seed;
  uint64_t index; /* number of the first drawing: 10 continues a batch of 10 */
  size_t max_len; /* rows of a drawing at most, given ones included; 0: the net's own */
  int threads;    /* from 1 to 4096; never changes a result */
  /* Called now and then by the calling thread, NULL for none; a result other than 0 stops. */
  int (*progress)(size_t done, void* user);
  void* user;
  /* Latent vectors of a net with an encoder, `z_count` numbers: N_z for all drawings, or N_z for
   * each; NULL and 0: drawing k has one of its own by (seed, index + k). */
  const float* z;
  size_t z_count;
} sketchrnn_draw_options;

#define SKETCHRNN_DRAW_OPTIONS_INIT \
  {sizeof(sketchrnn_draw_options), 1, 0.4, -1.0, 0, 0, 0, 1, NULL, NULL, NULL, 0}

/* Draws; `options` may be NULL for the defaults above. A drawing ends with its p3 row, or at
 * max_len. */
SKETCHRNN_API sketchrnn_status sketchrnn_net_draw(const sketchrnn_net* net,
                                                  const sketchrnn_draw_options* options,
                                                  sketchrnn_drawings** drawings,
                                                  sketchrnn_error* error);

/* Continues a started drawing `options->count` ways. Whole drawings come out, the given rows first
 * and unchanged. With max_len 0 a given part as long as the net's own limit may double. */
SKETCHRNN_API sketchrnn_status sketchrnn_net_complete(const sketchrnn_net* net,
                                                      const sketchrnn_row* partial, size_t length,
                                                      const sketchrnn_draw_options* options,
                                                      sketchrnn_drawings** drawings,
                                                      sketchrnn_error* error);

/* ---- Latent vectors ---- */

/* mu and sigma of N(mu, sigma^2), where given drawings lie among latent vectors (eq. 2): N_z numbers
 * for each of `drawings` drawings, whose rows follow one another, lengths[i] of drawing i; all rows
 * are read, the ending one too. `sigma` may be NULL; `count` = drawings x N_z is the room in each.
 * `threads` from 1 to 4096 never change a result. */
SKETCHRNN_API sketchrnn_status sketchrnn_net_encode(const sketchrnn_net* net,
                                                    const sketchrnn_row* rows,
                                                    const size_t* lengths, size_t drawings,
                                                    int threads, float* mu, float* sigma,
                                                    size_t count, sketchrnn_error* error);

/* The latent vector that drawing `index` of `seed` has where none is given: from N(0, I), `count` =
 * N_z numbers. */
SKETCHRNN_API sketchrnn_status sketchrnn_net_latent(const sketchrnn_net* net, uint64_t seed,
                                                    uint64_t index, float* z, size_t count,
                                                    sketchrnn_error* error);

SKETCHRNN_API size_t sketchrnn_drawings_count(const sketchrnn_drawings* drawings);

/* The rows of drawing `i`, `*length` of them; they live as long as `drawings`. NULL and length 0 if
 * there is no such drawing. */
SKETCHRNN_API const sketchrnn_row* sketchrnn_drawings_get(const sketchrnn_drawings* drawings,
                                                          size_t i, size_t* length);

/* NULL is allowed. */
SKETCHRNN_API void sketchrnn_drawings_free(sketchrnn_drawings* drawings);

#ifdef __cplusplus
}
#endif

#endif

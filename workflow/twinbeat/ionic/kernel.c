/* A cell model's steps over many cells: generator.py fills in the equations at the dollar signs. */
#include <math.h>

enum { COLUMNS = $columns, ROWS = $rows, BLOCK = 16, LANES = 8 };
static const double LOWEST = $lowest, SPACING = $spacing;
#define ENTRY(k) entries[(k) * BLOCK + cell]
#define STATE(k) state[(k) * n + cell]
#define NEXT(k) STATE(k)
#define OWN(k) own[(k) * n + cell]
typedef double lanes __attribute__((vector_size(LANES * sizeof(double)), aligned(sizeof(double))));

long table_size(void) { return (long) ROWS * COLUMNS; }
long table_rows(void) { return ROWS; }
long uniform_size(void) { return $uniforms; }

/* What parameters and steps of dt determine, for kernel.cu. */
void derive(double dt, const double *restrict parameters, double *restrict uniform)
{
    $parameters
    $uniform
    $derived
}

/* Functions of the voltage for steps of dt. */
void tabulate(double dt, const double *restrict parameters, double *restrict table)
{
    $parameters
    for (long row = 0; row < ROWS; row++) {
        const double $potential = LOWEST + row * SPACING;
        double *restrict entry = table + row * COLUMNS;
        $tabulated
    }
}

/* Eight vectors of eight numbers, rows to columns. */
static inline void transpose(lanes *r)
{
    lanes s[LANES], t[LANES];
    for (int k = 0; k < LANES; k += 2) {
        s[k] = __builtin_shufflevector(r[k], r[k + 1], 0, 8, 2, 10, 4, 12, 6, 14);
        s[k + 1] = __builtin_shufflevector(r[k], r[k + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    }
    for (int k = 0; k < LANES; k += k % 2 ? 3 : 1) {
        t[k] = __builtin_shufflevector(s[k], s[k + 2], 0, 1, 8, 9, 4, 5, 12, 13);
        t[k + 2] = __builtin_shufflevector(s[k], s[k + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
    for (int k = 0; k < LANES / 2; k++) {
        r[k] = __builtin_shufflevector(t[k], t[k + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        r[k + 4] = __builtin_shufflevector(t[k], t[k + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}

/* The table at the voltages V of a block of cells: entries[column * BLOCK + cell]. Beyond the table its ends hold. */
static inline void interpolate(long count, const double *restrict V, const double *restrict table,
                               double *restrict entries)
{
    for (long first = 0; first < count; first += LANES) {
        const double *low[LANES];
        double share[LANES];
        for (long lane = 0; lane < LANES; lane++) {
            const double place = (V[first + lane < count ? first + lane : count - 1] - LOWEST) / SPACING;
            long row = (long) place;
            row = row < 0 ? 0 : row > ROWS - 2 ? ROWS - 2 : row;
            share[lane] = place < row ? 0 : place > row + 1 ? 1 : place - row;
            low[lane] = table + row * COLUMNS;
        }
        for (long k = 0; k < COLUMNS; k += LANES) {
            lanes r[LANES];
            for (int lane = 0; lane < LANES; lane++) {
                const lanes a = *(const lanes *) (low[lane] + k), b = *(const lanes *) (low[lane] + COLUMNS + k);
                r[lane] = a + share[lane] * (b - a);
            }
            transpose(r);
            for (int l = 0; l < LANES; l++)
                *(lanes *) (entries + (k + l) * BLOCK + first) = r[l];
        }
    }
}

/* Advance n cells by a number of steps of dt from time t0; states[state * n + cell] is overwritten. What varies from
   cell to cell is varied[parameter * n + cell]. */
void advance(long n, long steps, double t0, double dt, const double *restrict parameters,
             const double *restrict varied, const double *restrict table, double *restrict states)
{
    $parameters
    $uniform
    for (long step = 0; step < steps; step++) {
        const double t = t0 + step * dt;
        $timed
        for (long first = 0; first < n; first += BLOCK) {
            const long count = n - first < BLOCK ? n - first : BLOCK;
            double entries[COLUMNS * BLOCK];
            interpolate(count, states + $voltage * n + first, table, entries);
            double *restrict state = states + first;
            const double *restrict own = varied + first;
            #pragma omp simd
            for (long cell = 0; cell < count; cell++) {
                $stepped
            }
        }
    }
}

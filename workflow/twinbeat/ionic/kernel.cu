/* A cell model's step, one thread a cell: generator.py fills in the equations at the dollar signs, as in kernel.c. */
enum { ROWS = $rows, VOLTAGE = $voltage };
#define LOWEST ($lowest)
#define SPACING ($spacing)
#define ENTRY(k) between(table[(k) * (ROWS - 1) + row], share)
#define STATE(k) ((k) == VOLTAGE ? potential : states[(k) * (long long) n + cell])
#define NEXT(k) (*((k) == VOLTAGE ? after + at : states + (k) * (long long) n + cell))
#define OWN(k) varied[(k) * (long long) width + cell % width]

/* Linear between an entry of the table and the next. */
__device__ __forceinline__ double between(double2 entry, double share) { return entry.x + share * (entry.y - entry.x); }

/* Quotients and powers of the equations; nearly all exponents are small whole numbers, known here (uniform.py). */
__device__ __forceinline__ double reciprocal(double x) { return 1 / x; }
__device__ __forceinline__ double power(double base, double exponent) { return pow(base, exponent); }
__device__ __forceinline__ double power(double base, int exponent)
{
    double result = 1;
    for (; exponent; exponent >>= 1, base *= base)
        if (exponent & 1)
            result *= base;
    return result;
}
#define pow power

/* What parameters and steps of dt determine (derive in kernel.c), defined where the source is used. */
extern "C" {
__constant__ double uniform[] = UNIFORM;
}

/* A step of dt from time t of n cells, ``members`` at each node: from the voltages ``before`` of all nodes to those
   ``after``, and of states[state * n + cell], without the voltage, in place. ``nodes`` are where the cells are, or
   null where they are everywhere; what varies from cell to cell is varied[parameter * width + cell % width]. The table has
   a column after the other, each entry with the next: neighbouring threads have close voltages, and so read close. */
extern "C" __global__ void __launch_bounds__(128)
advance(int n, int members, int width, double t, double dt, const int *__restrict__ nodes,
        const double *__restrict__ varied, const double2 *__restrict__ table, const double *__restrict__ before,
        double *__restrict__ after, double *__restrict__ states)
{
    const int cell = blockIdx.x * blockDim.x + threadIdx.x;
    if (cell >= n)
        return;
    const int at = nodes ? nodes[cell / members] * members + cell % members : cell;
    const double potential = before[at];
    const double place = (potential - LOWEST) / SPACING;
    int row = (int) place;
    row = row < 0 ? 0 : row > ROWS - 2 ? ROWS - 2 : row;
    const double share = place < row ? 0 : place > row + 1 ? 1 : place - row;
    $timed
    $stepped
}

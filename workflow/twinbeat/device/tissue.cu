/* The tissue's part of a step, one thread for each member of an ensemble at each node: value[node * members + member]. */
enum { SLICE = 32 };
#define NEVER 1e300

/* A matrix in slices of rows (plan.py). */
#define MATRIX const int *__restrict__ starts, const int *__restrict__ columns, const double *__restrict__ values
/* A stimulus, time having passed since its begin; start is null where there is none. */
#define PULSE const double *__restrict__ start, double since, double duration, double slope

/* a now + b before + c (rate now + slope). */
static __device__ __forceinline__ double stage(int i, int members, MATRIX, PULSE, double a, double b, double c,
                                               const double *__restrict__ now, const double *__restrict__ before)
{
    const int row = i / members, member = i % members, end = starts[row / SLICE + 1];
    double sum = start && start[row] <= since + 1e-9 && since + 1e-9 < start[row] + duration ? slope : 0;
    for (int k = starts[row / SLICE] + row % SLICE; k < end; k += SLICE)
        sum += values[k] * now[columns[k] * (long long) members + member];
    return a * now[i] + b * before[i] + c * sum;
}

/* A stage of a Runge-Kutta-Legendre step that is not its last (diffusion.py). */
extern "C" __global__ void __launch_bounds__(128)
diffuse(int n, int members, MATRIX, PULSE, double a, double b, double c, const double *__restrict__ now,
        const double *__restrict__ before, double *__restrict__ out)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        out[i] = stage(i, members, starts, columns, values, start, since, duration, slope, a, b, c, now, before);
}

/* Its last stage, at whose end the time is reached, and what crossed a level since the voltage was origin, in steps of
   dt: 0 mV upwards, and downwards the level at which ``lost`` of the amplitude above rest is gone (propagation.py). With
   rest null only the former is looked for. remaining counts watched values whose awaited crossing has not been. */
extern "C" __global__ void __launch_bounds__(128)
finish(int n, int members, MATRIX, PULSE, double a, double b, double c, const double *__restrict__ now,
       const double *__restrict__ before, double *__restrict__ out, const double *__restrict__ origin, double reached,
       double dt, double lost, const double *__restrict__ rest, double *__restrict__ peak,
       double *__restrict__ activation, double *__restrict__ repolarisation, const unsigned char *__restrict__ watched,
       int *__restrict__ remaining)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    const double from = origin[i];
    const double to = stage(i, members, starts, columns, values, start, since, duration, slope, a, b, c, now, before);
    out[i] = to;
    bool awaited = false;
    if (from <= 0 && to > 0 && activation[i] > NEVER) {
        activation[i] = reached - dt * to / (to - from);
        awaited = !rest;
    }
    if (rest) {
        const double top = peak[i] < to ? to : peak[i], level = top - lost * (top - rest[i]);
        if (top > peak[i])
            peak[i] = top;
        if (from > level && to <= level && activation[i] < NEVER && repolarisation[i] > NEVER) {
            repolarisation[i] = reached - dt * (to - level) / (to - from);
            awaited = true;
        }
    }
    if (awaited && watched[i])
        atomicSub(remaining, 1);
}

/* Membranes at some nodes that lose a share of their distance to rest. */
extern "C" __global__ void __launch_bounds__(128)
leak(int n, int members, const int *__restrict__ nodes, double rest, double share, const double *__restrict__ before,
     double *__restrict__ after)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    const int at = nodes[i / members] * members + i % members;
    after[at] = before[at] + share * (rest - before[at]);
}

/* Arrival times of a front on tetrahedra, sqrt(grad t . M grad t) = 1, in the order of time, with corrections. */
#include <math.h>

/* Nodes by their times; place[node] is where a node is, or -1. */
typedef struct {
    long size, *node, *place;
    const double *time;
} heap;

static void put(heap *h, long at, long node)
{
    h->node[at] = node;
    h->place[node] = at;
}

static void rise(heap *h, long at)
{
    const long node = h->node[at];
    for (; at > 0 && h->time[h->node[(at - 1) / 2]] > h->time[node]; at = (at - 1) / 2)
        put(h, at, h->node[(at - 1) / 2]);
    put(h, at, node);
}

static void push(heap *h, long node)
{
    if (h->place[node] < 0)
        put(h, h->size++, node);
    rise(h, h->place[node]);
}

static long pop(heap *h)
{
    const long first = h->node[0], last = h->node[--h->size];
    long at = 0;
    h->place[first] = -1;
    if (h->size == 0)
        return first;
    for (long child = 1; child < h->size; child = 2 * at + 1) {
        child += child + 1 < h->size && h->time[h->node[child + 1]] < h->time[h->node[child]];
        if (h->time[h->node[child]] >= h->time[last])
            break;
        put(h, at, h->node[child]);
        at = child;
    }
    put(h, at, last);
    return first;
}

/* x . Q y for a symmetric Q with the entries xx, xy, xz, yy, yz, zz. */
static double form(const double *restrict q, const double *x, const double *y)
{
    return x[0] * (q[0] * y[0] + q[1] * y[1] + q[2] * y[2]) + x[1] * (q[1] * y[0] + q[3] * y[1] + q[4] * y[2])
         + x[2] * (q[2] * y[0] + q[4] * y[1] + q[5] * y[2]);
}

/* The least t0 + s (t1 - t0) + d, d the distance in Q = M^-1 from the place s between two corners; e from the first to
   the second, w from the first to the point. The share of each corner at that place is its derivative. */
static double over_edge(const double *restrict q, double t0, double t1, const double *w, const double *e,
                        double *share0, double *share1)
{
    const double ee = form(q, e, e), b = form(q, e, w), ww = form(q, w, w), a = t1 - t0;
    const double rest = ee - a * a, away = ww - b * b / ee;
    if (rest > 0) {
        const double d = sqrt(ee * fmax(away, 0) / rest), s = (b - d * a) / ee;
        if (s > 0 && s < 1) {
            *share0 = 1 - s;
            *share1 = s;
            return t0 + s * a + d;
        }
    }
    const double far[3] = {w[0] - e[0], w[1] - e[1], w[2] - e[2]};
    const double from0 = t0 + sqrt(ww), from1 = t1 + sqrt(form(q, far, far));
    *share0 = from0 <= from1;
    *share1 = from0 > from1;
    return fmin(from0, from1);
}

/* The same over a face: G s = b - d a with d^2 (1 - a.G^-1 a) = |w|^2 - b.G^-1 b; over its edges where s is outside. */
static double over_face(const double *restrict q, const double *t, const double *w, const double *e1, const double *e2,
                        double *share)
{
    const double g11 = form(q, e1, e1), g12 = form(q, e1, e2), g22 = form(q, e2, e2), g = g11 * g22 - g12 * g12;
    const double b1 = form(q, e1, w), b2 = form(q, e2, w), a1 = t[1] - t[0], a2 = t[2] - t[0];
    const double aa = (g22 * a1 * a1 - 2 * g12 * a1 * a2 + g11 * a2 * a2) / g;
    const double bb = (g22 * b1 * b1 - 2 * g12 * b1 * b2 + g11 * b2 * b2) / g;
    if (aa < 1) {
        const double d = sqrt(fmax(form(q, w, w) - bb, 0) / (1 - aa)), c1 = b1 - d * a1, c2 = b2 - d * a2;
        const double s1 = (g22 * c1 - g12 * c2) / g, s2 = (g11 * c2 - g12 * c1) / g;
        if (s1 > 0 && s2 > 0 && s1 + s2 < 1) {
            share[0] = 1 - s1 - s2;
            share[1] = s1;
            share[2] = s2;
            return t[0] + s1 * a1 + s2 * a2 + d;
        }
    }
    const double w1[3] = {w[0] - e1[0], w[1] - e1[1], w[2] - e1[2]};
    const double e12[3] = {e2[0] - e1[0], e2[1] - e1[1], e2[2] - e1[2]};
    double found[3][3] = {{0}};
    const double times[3] = {over_edge(q, t[0], t[1], w, e1, &found[0][0], &found[0][1]),
                             over_edge(q, t[0], t[2], w, e2, &found[1][0], &found[1][2]),
                             over_edge(q, t[1], t[2], w1, e12, &found[2][1], &found[2][2])};
    const int second = times[1] < times[0] ? 1 : 0, least = times[2] < times[second] ? 2 : second;
    for (int k = 0; k < 3; k++)
        share[k] = found[least][k];
    return times[least];
}

static double arrival(const double *restrict point, const int *restrict cell, const double *restrict q,
                      const double *time, int corner, double *share)
{
    double t[3], from[3][3];
    const double *x = point + 3 * cell[corner];
    for (int k = 0, other = 0; other < 4; other++)
        if (other != corner) {
            t[k] = time[cell[other]];
            for (int axis = 0; axis < 3; axis++)
                from[k][axis] = point[3 * cell[other] + axis];
            k++;
        }
    double w[3], e1[3], e2[3];
    for (int axis = 0; axis < 3; axis++) {
        w[axis] = x[axis] - from[0][axis];
        e1[axis] = from[1][axis] - from[0][axis];
        e2[axis] = from[2][axis] - from[0][axis];
    }
    return over_face(q, t, w, e1, e2, share);
}

/* Times of all points from those that are known (the others are given as a large number); cells about point n are
   about[start[n]] to about[start[n + 1] - 1]. A time may still fall after a point was passed: then it is passed again.
   by[n] is 4 cell + corner of the face that the front came over, or -1, shares[3 n] those of its corners in it. */
void arrivals(long points, const double *restrict point, const int *restrict cells, const double *restrict metric,
              const int *restrict start, const int *restrict about, double far, double *time, long *by, double *shares,
              long *node, long *place)
{
    heap waiting = {0, node, place, time};
    for (long n = 0; n < points; n++) {
        place[n] = by[n] = -1;
        if (time[n] < far)
            push(&waiting, n);
    }
    while (waiting.size) {
        const long passed = pop(&waiting);
        for (int k = start[passed]; k < start[passed + 1]; k++) {
            const int *cell = cells + 4 * about[k];
            for (int corner = 0; corner < 4; corner++) {
                const long next = cell[corner];
                if (next == passed || time[next] <= time[passed])
                    continue;
                double share[3];
                const double found = arrival(point, cell, metric + 6 * about[k], time, corner, share);
                if (found < time[next] - 1e-9) {
                    time[next] = found;
                    by[next] = 4L * about[k] + corner;
                    for (int other = 0; other < 3; other++)
                        shares[3 * next + other] = share[other];
                    push(&waiting, next);
                }
            }
        }
    }
}

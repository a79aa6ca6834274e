/* One stage of a Runge-Kutta-Legendre step: out = a now + b before + c (rate now + slope), rate in compressed rows. */
void stage(long n, const int *restrict start, const int *restrict column, const double *restrict rate, double a,
           double b, double c, const double *restrict now, const double *restrict before,
           const double *restrict slope, double *restrict out)
{
    for (long row = 0; row < n; row++) {
        double sum = slope ? slope[row] : 0;
        for (int k = start[row]; k < start[row + 1]; k++)
            sum += rate[k] * now[column[k]];
        out[row] = a * now[row] + b * before[row] + c * sum;
    }
}

/* The same for the members of an ensemble at each node, value[node * members + member]. */
void stage_of_many(long n, long members, const int *restrict start, const int *restrict column,
                   const double *restrict rate, double a, double b, double c, const double *restrict now,
                   const double *restrict before, const double *restrict slope, double *restrict out)
{
    for (long row = 0; row < n; row++) {
        double *restrict sum = out + row * members;
        for (long member = 0; member < members; member++)
            sum[member] = slope ? slope[row * members + member] : 0;
        for (int k = start[row]; k < start[row + 1]; k++) {
            const double *restrict beside = now + column[k] * members;
            for (long member = 0; member < members; member++)
                sum[member] += rate[k] * beside[member];
        }
        for (long i = row * members; i < (row + 1) * members; i++)
            out[i] = a * now[i] + b * before[i] + c * out[i];
    }
}

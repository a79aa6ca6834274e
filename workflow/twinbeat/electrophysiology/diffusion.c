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

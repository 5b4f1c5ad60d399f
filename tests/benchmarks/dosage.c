/* The measuring stick: the 1-2-1 network of the dosage curve, as fast as C can.

   What harness may not do is allowed here: -ffast-math, the vector functions of the C library, one
   network that is known when it is compiled. L runs lie side by side and every loop over them is
   innermost, so that the compiler makes vectors of it.

       dosage RUNS EPOCHS < starts > ssr

   starts: for each run w1 b1 w2 b2 w3 w4 b3 and the learning rate, as doubles; RUNS is a multiple
   of L. ssr: the final SSR of each run, as doubles. The seconds of training go to stderr. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifndef L
#define L 16
#endif

enum { VALUES = 8, POINTS = 3 };

static const double X[POINTS] = {0.0, 0.5, 1.0};
static const double Y[POINTS] = {0.0, 1.0, 0.0};

/* Train L runs; `start` has VALUES doubles of each. */
static void train(const double *restrict start, long epochs, double *restrict ssr)
{
    double w1[L], b1[L], w2[L], b2[L], w3[L], w4[L], b3[L], rate[L];
    for (int l = 0; l < L; l++) {
        const double *run = start + VALUES * l;
        w1[l] = run[0], b1[l] = run[1], w2[l] = run[2], b2[l] = run[3];
        w3[l] = run[4], w4[l] = run[5], b3[l] = run[6], rate[l] = run[7];
    }
    /* The pass of epoch 0 is that of the first update; a last pass only reads the SSR. */
    for (long epoch = 0;; epoch++) {
        double g1[L] = {0}, h1[L] = {0}, g2[L] = {0}, h2[L] = {0}, g3[L] = {0}, g4[L] = {0};
        double h3[L] = {0}, sum[L] = {0};
        for (int i = 0; i < POINTS; i++) {
            for (int l = 0; l < L; l++) {
                double z1 = w1[l] * X[i] + b1[l], z2 = w2[l] * X[i] + b2[l];
                double e1 = exp(-fabs(z1)), e2 = exp(-fabs(z2));
                double q1 = 1.0 / (1.0 + e1), q2 = 1.0 / (1.0 + e2);
                double y1 = (z1 > 0.0 ? z1 : 0.0) + log1p(e1);
                double y2 = (z2 > 0.0 ? z2 : 0.0) + log1p(e2);
                double slope1 = z1 < 0.0 ? e1 * q1 : q1, slope2 = z2 < 0.0 ? e2 * q2 : q2;
                double residual = Y[i] - (b3[l] + w3[l] * y1 + w4[l] * y2);
                double d = -2.0 * residual, d1 = d * w3[l] * slope1, d2 = d * w4[l] * slope2;
                sum[l] += residual * residual;
                g1[l] += d1 * X[i], h1[l] += d1;
                g2[l] += d2 * X[i], h2[l] += d2;
                g3[l] += d * y1, g4[l] += d * y2, h3[l] += d;
            }
        }
        if (epoch == epochs) {
            for (int l = 0; l < L; l++)
                ssr[l] = sum[l];
            return;
        }
        for (int l = 0; l < L; l++) {
            w1[l] -= rate[l] * g1[l], b1[l] -= rate[l] * h1[l];
            w2[l] -= rate[l] * g2[l], b2[l] -= rate[l] * h2[l];
            w3[l] -= rate[l] * g3[l], w4[l] -= rate[l] * g4[l], b3[l] -= rate[l] * h3[l];
        }
    }
}

int main(int count, char **arguments)
{
    if (count != 3) {
        fprintf(stderr, "dosage RUNS EPOCHS < starts > ssr\n");
        return 2;
    }
    long runs = atol(arguments[1]), epochs = atol(arguments[2]);
    double *start = malloc(VALUES * runs * sizeof *start), *ssr = malloc(runs * sizeof *ssr);
    if (!start || !ssr || runs % L || fread(start, VALUES * sizeof *start, runs, stdin) != (size_t)runs) {
        fprintf(stderr, "no memory, no multiple of %d runs, or too few values\n", L);
        return 1;
    }
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (long run = 0; run < runs; run += L)
        train(start + VALUES * run, epochs, ssr + run);
    clock_gettime(CLOCK_MONOTONIC, &end);
    fprintf(stderr, "%.9f\n", end.tv_sec - begin.tv_sec + 1e-9 * (end.tv_nsec - begin.tv_nsec));
    return fwrite(ssr, sizeof *ssr, runs, stdout) != (size_t)runs;
}

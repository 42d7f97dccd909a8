/* The fused form of all models, for arrays of REAL: double or float.

   For a compiler that reassociates sums (-ffast-math): each inner loop runs along the batch,
   over contiguous numbers and without a branch, so that all of it is vectorized, exp included.
   A batch is taken in blocks, whose intermediate values stay in the first-level cache.
   No memory is allocated here. */

#include <stddef.h>
#include <tgmath.h>

typedef REAL real;
typedef ptrdiff_t count;

enum { LINEAR, LOGISTIC, POISSON };
enum { BLOCK = 64 }; /* the product of so many numbers up to 2 must not overflow a float */

/* One block: z (n) becomes the derivative of J0 = (Y - Z)^2 in Z; its J0 are added to *J0. */

static inline void linear(count n, real *z, const real *restrict y, real *J0)
{
    real sum = 0;
    for (count i = 0; i < n; i++) {
        z[i] = 2 * (z[i] - y[i]);
        sum += z[i] * z[i];
    }
    *J0 += sum / 4;
}

/* The same for the cross-entropy, from e = exp(-|Z|), which cannot overflow:
     J0 = max(Z, 0) - Y Z + log(1 + e)
     dJ0_dZ = Pred - Y, Pred = (Z > 0 ? 1 : e) / (1 + e)
   The sum of the logarithms is taken as the logarithm of the product: one for each block.
   The examples with (Z > 0) == Y are added to *hits. */

static inline void logistic(count n, real *z, const real *restrict y, real *J0, real *hits)
{
    real e[BLOCK], sum = 0, product = 1, right = 0;
    for (count i = 0; i < n; i++)
        e[i] = exp(-fabs(z[i]));
    for (count i = 0; i < n; i++) {
        sum += (z[i] > 0 ? z[i] : 0) - y[i] * z[i];
        product *= 1 + e[i];
        right += (z[i] > 0) == (y[i] == 1);
        z[i] = (z[i] > 0 ? 1 : e[i]) / (1 + e[i]) - y[i];
    }
    *J0 += sum + log(product);
    *hits += right;
}

/* The same for J0 = exp(Z) - Y Z. */

static inline void poisson(count n, real *z, const real *restrict y, real *J0)
{
    real sum = 0;
    for (count i = 0; i < n; i++) {
        real Pred = exp(z[i]);
        sum += Pred - y[i] * z[i];
        z[i] = Pred - y[i];
    }
    *J0 += sum;
}

/* One batch: x (F,B), y (B), W (F), b (1) -> dW (F), db (1), loss (1), accuracy (1), which
   has a meaning for logistic only. */

void gradient(int model, count B, count F, const real *restrict x, const real *restrict y,
              const real *W, const real *b, double dJ_dJ0,
              real *dW, real *db, real *loss, real *accuracy)
{
    real z[BLOCK], row = dJ_dJ0, bias = 0, J0 = 0, hits = 0;
    for (count f = 0; f < F; f++)
        dW[f] = 0;
    for (count start = 0; start < B; start += BLOCK) {
        count n = B - start < BLOCK ? B - start : BLOCK;
        for (count i = 0; i < n; i++)
            z[i] = *b;
        for (count f = 0; f < F; f++)
            for (count i = 0; i < n; i++)
                z[i] += W[f] * x[f * B + start + i];
        if (model == LOGISTIC)
            logistic(n, z, y + start, &J0, &hits);
        else if (model == POISSON)
            poisson(n, z, y + start, &J0);
        else
            linear(n, z, y + start, &J0);
        for (count i = 0; i < n; i++)
            bias += z[i];
        for (count f = 0; f < F; f++) {
            real sum = 0;
            for (count i = 0; i < n; i++)
                sum += z[i] * x[f * B + start + i];
            dW[f] += sum;
        }
    }
    for (count f = 0; f < F; f++)
        dW[f] *= row;
    *db = row * bias;
    *loss = J0 / B;
    *accuracy = hits / B;
}

/* All steps: x (K,F,B), y (K,B), loss (S), accuracy (S); W (S+1,F) and b (S+1) hold the first state
   and receive the others. */

void train(int model, count K, count B, count F, count S,
           const real *x, const real *y, double learning_rate, double dJ_dJ0,
           real *W, real *b, real *loss, real *accuracy)
{
    real rate = learning_rate;
    for (count j = 0; j < S; j++, W += F, b++) {
        count k = j % K;
        real *next = W + F;
        gradient(model, B, F, x + k * F * B, y + k * B, W, b, dJ_dJ0,
                 next, b + 1, loss + j, accuracy + j);
        for (count f = 0; f < F; f++)
            next[f] = W[f] - rate * next[f];
        b[1] = b[0] - rate * b[1];
    }
}

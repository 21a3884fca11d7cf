/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Whether the sample is already predicted well enough. */
TP_KERNEL int tp_skip_by_loss_f32(float loss, float tau)
{
    return loss < tau;
}

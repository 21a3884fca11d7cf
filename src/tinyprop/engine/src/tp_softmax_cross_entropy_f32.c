/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Loss of one sample; outputs[size] (before softmax) becomes its error, softmax - onehot(label), in place.
 *
 *     m = max(o);  p_i = exp(o_i - m) / sum_j exp(o_j - m);  loss = log(sum) - (o_label - m)
 */
TP_KERNEL float tp_softmax_cross_entropy_f32(float *outputs, uint32_t label, uint32_t size)
{
    float largest = outputs[tp_argmax_f32(outputs, size)];
    float label_margin = outputs[label] - largest;
    float sum = 0.0f;
    TP_ROLLED for (uint32_t i = 0U; i < size; ++i) {
        const float margin = outputs[i] - largest;
        const float e = !TP_BLOCK_TRANSFER && tp_bits_of(margin) == 0U ? 1.0f : tp_expf(margin); /* the same either way */
        outputs[i] = e;
        sum += e;
    }
    TP_ROLLED for (uint32_t i = 0U; i < size; ++i) {
        outputs[i] /= sum;
    }
    outputs[label] -= 1.0f;
    return tp_logf(sum) - label_margin;
}

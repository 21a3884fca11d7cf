/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"

/* Cross-entropy towards a label of which `smoothing` is taken and spread evenly over all classes; outputs[size] (before
 * softmax) becomes its error, softmax - (1 - smoothing) onehot(label) - smoothing / size, in place.
 *
 *     loss = plain + smoothing (o_label - m) - smoothing / size * sum_i (o_i - m),  m = max(o)
 */
TP_KERNEL float tp_smoothed_cross_entropy_f32(float *outputs, uint32_t label, uint32_t size, float smoothing)
{
    const float share = smoothing / (float)size;
    const float largest = outputs[tp_argmax_f32(outputs, size)];
    const float label_margin = outputs[label] - largest;
    float apart = 0.0f;
    TP_ROLLED for (uint32_t i = 0U; i < size; ++i) {
        apart += outputs[i] - largest;
    }
    const float plain = tp_softmax_cross_entropy_f32(outputs, label, size);
    outputs[label] += smoothing;
    TP_ROLLED for (uint32_t i = 0U; i < size; ++i) {
        outputs[i] -= share;
    }
    return plain + (smoothing * label_margin - share * apart);
}

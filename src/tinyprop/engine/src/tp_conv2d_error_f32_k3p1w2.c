/* SPDX-License-Identifier: Apache-2.0 */
#include "tp_kernels.h"
#include "tp_nine_errors.h"
#include "tp_wide_backward.h"
#include "tp_window.h"

/* tp_conv2d_error_f32 for a 3 by 3 kernel, stride 1, padding 1, pool 2 by 2.
 *
 * All deltas that the pool put at one place reach the same nine errors: these, of two input channels, stay in registers
 * while the deltas pass by. Per pooled position the deltas are chained by place; what lies on the padding is known when
 * the window is compiled (edges).
 *
 * Sums: over (py, px, dy, dx, co), ascending. argmax: as tp_packed_place reads it.
 */

/* Above the offset of a listed delta: its place. */
#define TP_PLACE_SHIFT 30U

/* Lists the deltas of one position, channel ascending; counts them by place and returns how many there are. */
TP_ALWAYS_INLINE uint32_t conv2d_error_list(const float *delta, const uint8_t *argmax, uint32_t px, tp_kept *listed,
                                            uint32_t count[4], tp_conv2d c, int skip_zeros)
{
    const uint32_t pooled = (c.out_height / 2U) * (c.out_width / 2U);
    const uint32_t places = (c.out_height / 2U) * tp_packed_bytes(c.out_width / 2U);
    tp_kept *entry = listed;
    TP_ROLLED for (uint32_t co = 0U; co < c.out_channels; ++co, delta += pooled, argmax += places) {
        if (!skip_zeros || *delta != 0.0f) {
            const uint32_t place = tp_packed_place(argmax, px);
            ++count[place];
            entry->value = *delta;
            entry->offset = co * c.in_channels * 9U | place << TP_PLACE_SHIFT;
            ++entry;
        }
    }
    return (uint32_t)(entry - listed);
}

/* Sorts the list by place, channels ascending within one; place p ends at last[p]. */
TP_ALWAYS_INLINE void conv2d_error_sort(const tp_kept *listed, uint32_t size, const uint32_t count[4], tp_kept *sorted,
                                        uint32_t last[4])
{
    last[0] = 0U;
    last[1] = count[0];
    last[2] = last[1] + count[1];
    last[3] = last[2] + count[2];
    TP_ROLLED for (uint32_t k = 0U; k < size; ++k) {
        tp_kept *entry = &sorted[last[listed[k].offset >> TP_PLACE_SHIFT]++];
        entry->value = listed[k].value;
        entry->offset = listed[k].offset & ((1U << TP_PLACE_SHIFT) - 1U);
    }
}

/* kept: room for twice out_channels entries. */
TP_KERNEL void tp_conv2d_error_f32_k3p1w2(const float *x, const float *delta, const uint8_t *argmax,
                                          const float *weight, float *error, tp_kept *kept, tp_conv2d c,
                                          int mask_input, int skip_zeros)
{
#if TP_WIDE_KERNELS
    if (tp_wide_fits_error(c)) {
        const tp_wide_deltas deltas = tp_wide_deltas_of(delta, argmax, c, 2U, 1);
        tp_wide_error(mask_input ? x : NULL, deltas, weight, error, c, skip_zeros);
        return;
    }
#endif
    const uint32_t rows = c.out_height / 2U, columns = c.out_width / 2U;
    const uint32_t errors = c.in_channels * c.in_height * c.in_width;
    tp_kept *listed = kept + c.out_channels;
    for (uint32_t i = 0U; i < errors; ++i) {
        error[i] = 0.0f;
    }
    for (uint32_t py = 0U; py < rows; ++py) {
        for (uint32_t px = 0U; px < columns; ++px) {
            const uint32_t edges = tp_edges_of_pool(py, px, c), position = py * columns + px;
            uint32_t count[4] = {0U, 0U, 0U, 0U}, last[4], first = 0U;
            const uint32_t size = conv2d_error_list(delta + position, argmax + py * tp_packed_bytes(columns), px, listed,
                                                    count, c, skip_zeros);
            if (size == 0U) {
                continue;
            }
            conv2d_error_sort(listed, size, count, kept, last);
            for (uint32_t place = 0U; place < 4U; first = last[place], ++place) {
                if (last[place] != first) {
                    float *at = error + (2U * py + place / 2U) * c.in_width + 2U * px + place % 2U;
                    const uint32_t window_edges = edges & tp_edges_facing(place);
                    tp_nine_errors_at(at, weight, kept + first, kept + last[place], c, window_edges);
                    TP_COUNT(macs_backward, tp_taps_within(window_edges) * c.in_channels * (last[place] - first));
                }
            }
        }
    }
    if (mask_input) {
        tp_relu_bwd_f32(error, x, errors);
    }
}

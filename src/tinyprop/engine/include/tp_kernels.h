/* SPDX-License-Identifier: Apache-2.0 */
/* Every kernel of the engine. Names: tp_<operation>_<fwd|bwd>_<dtype>[_<variant>]; file = function.
 *
 * Layouts: feature maps [channel][y][x], dense weights [input][output], convolution weights [output][group input][ky][kx].
 * Every result has one accumulator, filled in the order its file states; exact zeros may be left out, which changes
 * nothing. Pointers of one call never overlap unless the kernel says so. Sizes are elements.
 */
#ifndef TP_KERNELS_H
#define TP_KERNELS_H

#include "tinyprop.h"
#include "tp_config.h"
#include "tp_instrument.h"
#include "tp_math.h"
#include "tp_run.h"

#include <stddef.h>
#include <stdint.h>

/* A value kept for the weight gradient and where its window starts; overlays arena words that held floats. */
typedef uint16_t TP_MAY_ALIAS tp_index;

/* A value kept of delta and the offset of the filter that spreads it. */
typedef struct TP_MAY_ALIAS tp_kept {
    float value;
    uint32_t offset;
} tp_kept;

/* A value kept of delta and its window: the offset of the centre, and above it the borders that the window crosses. */
typedef struct TP_MAY_ALIAS tp_kept_at {
    float value;
    uint32_t window;
} tp_kept_at;

/* The window part of a tp_kept_at by itself. */
typedef uint32_t TP_MAY_ALIAS tp_window;

/* Geometry of a convolution: literal in generated code, so that inlined kernels see constants. */
typedef struct tp_conv2d {
    uint32_t in_channels, in_height, in_width;
    uint32_t out_channels, out_height, out_width;
    uint32_t kernel_height, kernel_width;
    uint32_t stride_height, stride_width;
    uint32_t pad_height, pad_width; /* above and left; what is below and right follows from the outputs */
    uint32_t dilation_height, dilation_width;
    uint32_t groups; /* output channels of a group read the input channels of that group only */
} tp_conv2d;

/* A window that looks at every input once: stride = size. */
typedef struct tp_pool {
    uint32_t height, width;
} tp_pool;

/* Which input won each window of 2 by 2: dy * 2 + dx in two bits, four windows of one row a byte, rows byte by byte. */
TP_ALWAYS_INLINE uint32_t tp_packed_bytes(uint32_t row)
{
    return (row + 3U) / 4U;
}

/* `line`: the bytes of one row of windows. */
TP_ALWAYS_INLINE uint32_t tp_packed_place(const uint8_t *line, uint32_t window)
{
    return (uint32_t)line[window / 4U] >> 2U * (window % 4U) & 3U;
}

/* Whether element i of a packed activation lets an error pass: bit i % 8 of byte i / 8. */
TP_ALWAYS_INLINE int tp_mask_bit(const uint8_t *mask, uint32_t i)
{
    return ((uint32_t)mask[i / 8U] >> i % 8U & 1U) != 0U;
}

/* Geometry of a general pool. */
typedef struct tp_pool2d {
    uint32_t channels, in_height, in_width, out_height, out_width;
    uint32_t kernel_height, kernel_width;
    uint32_t stride_height, stride_width;
    uint32_t pad_height, pad_width;
} tp_pool2d;

/* A filter of a spectrum: its first bin, and how many have a weight. */
typedef struct tp_band {
    uint16_t first, bins;
} tp_band;

/* Whether every value is a number below infinity. */
TP_KERNEL int tp_all_finite_f32(const float *x, uint32_t size);
TP_KERNEL uint32_t tp_argmax_f32(const float *x, uint32_t size);

TP_KERNEL void tp_dense_fwd_f32(const float *x, const float *weight, const float *bias, float *y, uint32_t inputs,
                                uint32_t outputs, int relu, int skip_zeros);
TP_KERNEL void tp_dense_bwd_f32(float *x, float *delta, float *weight, float *bias, tp_index *columns, float rate,
                                uint32_t inputs, uint32_t outputs, uint32_t kept, int mask_input, int skip_zeros);
TP_KERNEL void tp_dense_update_f32(const float *x, float *delta, float *weight, float *bias, tp_index *columns,
                                   float rate, uint32_t inputs, uint32_t outputs, uint32_t kept, int skip_zeros);
TP_KERNEL void tp_dense_error_f32(float *x, const float *delta, const float *weight, uint32_t inputs,
                                  uint32_t outputs, int mask_input, int skip_zeros);
TP_KERNEL void tp_dense_error_f32_packed(float *error, const float *delta, const uint8_t *mask, const float *weight,
                                         uint32_t inputs, uint32_t outputs, int skip_zeros);
TP_KERNEL void tp_conv2d_fwd_f32(const float *x, const float *weight, const float *bias, float *y, tp_conv2d c,
                                 int relu);
TP_KERNEL void tp_conv2d_max_pool_fwd_f32(const float *x, const float *weight, const float *bias, float *y,
                                          uint8_t *argmax, tp_conv2d c, tp_pool p, int relu);
TP_KERNEL void tp_conv2d_error_f32(const float *x, const float *delta, const uint8_t *argmax, const float *weight,
                                   float *error, tp_kept *kept, tp_conv2d c, tp_pool p, int mask_input,
                                   int skip_zeros);
TP_KERNEL void tp_conv2d_update_f32(const float *x, const float *delta, const uint8_t *argmax, float *weight,
                                    float *bias, float *gradient, float rate, tp_conv2d c, tp_pool p, int skip_zeros);
TP_KERNEL void tp_conv2d_max_pool_fwd_f32_k3p1w2(const float *x, const float *weight, const float *bias, float *y,
                                                 uint8_t *argmax, tp_conv2d c, int relu, int keep_argmax);
TP_KERNEL void tp_conv2d_error_f32_k3p1w2(const float *x, const float *delta, const uint8_t *argmax,
                                          const float *weight, float *error, tp_kept *kept, tp_conv2d c,
                                          int mask_input, int skip_zeros);
TP_KERNEL void tp_conv2d_update_f32_k3p1w2(const float *x, const float *delta, const uint8_t *argmax, float *weight,
                                           float *bias, tp_kept_at *kept, float rate, tp_conv2d c, int skip_zeros);
TP_KERNEL void tp_conv2d_fwd_f32_k3p1(const float *x, const float *weight, const float *bias, float *y, tp_conv2d c,
                                      int relu);
TP_KERNEL void tp_conv2d_error_f32_k3p1(const float *x, const float *delta, const float *weight, float *error,
                                        tp_kept *kept, tp_conv2d c, int mask_input, int skip_zeros);
TP_KERNEL void tp_conv2d_update_f32_k3p1(const float *x, float *delta, float *weight, float *bias, tp_window *windows,
                                         float rate, tp_conv2d c, uint32_t kept);
TP_KERNEL void tp_depthwise_conv2d_fwd_f32(const float *x, const float *weight, const float *bias, float *y, tp_conv2d c,
                                           int relu);
TP_KERNEL void tp_depthwise_conv2d_error_f32(const float *x, const float *delta, const float *weight, float *error,
                                             tp_conv2d c, int mask_input);
TP_KERNEL void tp_depthwise_conv2d_update_f32(const float *x, const float *delta, float *weight, float *bias, float rate,
                                              tp_conv2d c);
TP_KERNEL void tp_depthwise_conv2d_fwd_f32_k3p1(const float *x, const float *weight, const float *bias, float *y,
                                                tp_conv2d c, int relu);
TP_KERNEL void tp_depthwise_conv2d_error_f32_k3p1(const float *x, const float *delta, const float *weight, float *error,
                                                  tp_conv2d c, int mask_input);
TP_KERNEL void tp_depthwise_conv2d_update_f32_k3p1(const float *x, const float *delta, float *weight, float *bias,
                                                   float rate, tp_conv2d c, int skip_zeros);
TP_KERNEL void tp_pointwise_conv2d_fwd_f32(const float *x, const float *weight, const float *bias, float *y, tp_conv2d c,
                                           int relu);
TP_KERNEL void tp_pointwise_conv2d_error_f32(const float *x, const float *delta, const float *weight, float *error,
                                             tp_kept *list, tp_conv2d c, uint32_t kept, int mask_input);
TP_KERNEL void tp_pointwise_conv2d_update_f32(const float *x, float *delta, float *weight, float *bias,
                                              tp_index *position, float rate, tp_conv2d c, uint32_t kept);
TP_KERNEL void tp_scale_shift_fwd_f32(const float *x, const float *weight, const float *bias, const float *mean,
                                      const float *inverse, float *y, uint32_t channels, uint32_t positions, int relu);
TP_KERNEL void tp_scale_shift_bwd_f32(const float *x, float *delta, float *weight, float *bias, const float *mean,
                                      const float *inverse, float rate, uint32_t channels, uint32_t positions,
                                      int mask_input, int skip_zeros);
TP_KERNEL void tp_scale_shift_error_f32(const float *x, const float *delta, const float *weight, const float *inverse,
                                        float *error, uint32_t channels, uint32_t positions, int mask_input);
TP_KERNEL void tp_scale_shift_update_f32(const float *x, const float *delta, float *weight, float *bias,
                                         const float *mean, const float *inverse, float rate, uint32_t channels,
                                         uint32_t positions, int skip_zeros);
TP_KERNEL void tp_add_f32(const float *a, const float *b, float *y, uint32_t size);
TP_KERNEL void tp_copy_f32(const float *x, float *y, uint32_t size);
TP_KERNEL void tp_relu_fwd_f32(const float *x, float *y, uint32_t size);
TP_KERNEL void tp_relu_bwd_f32(float *error, const float *y, uint32_t size);
TP_KERNEL void tp_relu_pack_f32(const float *y, uint8_t *mask, uint32_t size);
TP_KERNEL void tp_relu_bwd_f32_packed(float *error, const uint8_t *mask, uint32_t size);
TP_KERNEL void tp_clamp_fwd_f32(const float *x, float *y, float low, float high, uint32_t size);
TP_KERNEL void tp_clamp_bwd_f32(float *error, const float *y, float low, float high, uint32_t size);
TP_KERNEL void tp_clamp_pack_f32(const float *y, uint8_t *mask, float low, float high, uint32_t size);
TP_KERNEL void tp_leaky_relu_fwd_f32(const float *x, float *y, float slope, uint32_t size);
TP_KERNEL void tp_leaky_relu_bwd_f32(float *error, const float *y, float slope, uint32_t size);
TP_KERNEL void tp_leaky_relu_bwd_f32_packed(float *error, const uint8_t *mask, float slope, uint32_t size);
TP_KERNEL void tp_hard_sigmoid_fwd_f32(const float *x, float *y, uint32_t size);
TP_KERNEL void tp_hard_sigmoid_bwd_f32(float *error, const float *y, uint32_t size);
TP_KERNEL void tp_hard_swish_fwd_f32(const float *x, float *y, uint32_t size);
TP_KERNEL void tp_hard_swish_bwd_f32(float *error, const float *x, uint32_t size);
TP_KERNEL void tp_sigmoid_fwd_f32(const float *x, float *y, uint32_t size);
TP_KERNEL void tp_sigmoid_bwd_f32(float *error, const float *y, uint32_t size);
TP_KERNEL void tp_tanh_fwd_f32(const float *x, float *y, uint32_t size);
TP_KERNEL void tp_tanh_bwd_f32(float *error, const float *y, uint32_t size);
TP_KERNEL void tp_avg_pool2d_fwd_f32(const float *x, float *y, tp_pool2d p, int count_padding);
TP_KERNEL void tp_avg_pool2d_bwd_f32(const float *delta, float *error, tp_pool2d p, int count_padding);
TP_KERNEL void tp_max_pool2d_fwd_f32(const float *x, float *y, uint8_t *argmax, tp_pool2d p);
TP_KERNEL void tp_max_pool2d_bwd_f32(const float *delta, const uint8_t *argmax, float *error, tp_pool2d p);
TP_KERNEL float tp_softmax_cross_entropy_f32(float *outputs, uint32_t label, uint32_t size);
TP_KERNEL float tp_smoothed_cross_entropy_f32(float *outputs, uint32_t label, uint32_t size, float smoothing);
TP_KERNEL float tp_mean_squared_error_f32(float *outputs, const float *target, uint32_t size);

/* Features of sound; their matrix product is tp_dense_fwd_f32. */
TP_KERNEL void tp_window_f32(const int16_t *samples, const float *window, float *x, uint32_t frame, uint32_t size);
TP_KERNEL void tp_rfft_f32(float *x, const float *twiddles, uint32_t size);
TP_KERNEL void tp_power_f32(float *x, uint32_t size, int root);
TP_KERNEL void tp_bands_f32(const float *spectrum, const tp_band *bands, const float *weights, float *y, uint32_t count);
TP_KERNEL void tp_log_f32(float *x, float offset, float scale, uint32_t size);

/* In place of how many deltas are kept: nobody has counted. */
#define TP_UNCOUNTED 0xffffffffU

TP_KERNEL uint32_t tp_keep_all_f32(const float *delta, uint32_t size);

/* How many of delta[size] are not zero. */
TP_ALWAYS_INLINE uint32_t tp_counted(uint32_t kept, const float *delta, uint32_t size)
{
    return kept != TP_UNCOUNTED ? kept : tp_keep_all_f32(delta, size);
}

TP_KERNEL uint32_t tp_compact_f32(float *values, tp_index *index, uint32_t size);
TP_KERNEL void tp_update_bias_f32(float *bias, const float *delta, const tp_index *index, float rate, uint32_t size);
TP_KERNEL void tp_update_channel_bias_f32(float *bias, const float *delta, float rate, uint32_t channels,
                                          uint32_t plane);

/* Whether `kept` of `size` entries are few enough that a list of them beats taking them all. */
TP_ALWAYS_INLINE int tp_list_pays(uint32_t kept, uint32_t size)
{
    return 3U * kept < 2U * size;
}

/* Whether it is worth zeroing all but `kept` of `size` entries: with more of them, kernels save less than that costs. */
TP_ALWAYS_INLINE int tp_selection_pays(uint32_t kept, uint32_t size)
{
    return kept <= 3U * size / 8U;
}

/* The same for columns of a dense weight, beside rows that run in blocks (tp_run.h). */
TP_ALWAYS_INLINE int tp_columns_pay(uint32_t kept, uint32_t size)
{
    return TP_BLOCK_TRANSFER ? tp_selection_pays(kept, size) : tp_list_pays(kept, size);
}

/* The same for a list of windows of 3 by 3, beside a window that slides along the rows. */
TP_ALWAYS_INLINE int tp_windows_pay(uint32_t kept, uint32_t size)
{
    return 9U * kept < 5U * size;
}

#define TP_DROP(entry, bits) \
    if ((bits) << 1 < bar) { \
        *(entry) = 0.0f; \
    }

/* Zeroes the entries below the bar, which like their magnitudes is compared as an integer, the sign shifted out. */
TP_ALWAYS_INLINE void tp_drop_below(float *delta, uint32_t size, uint32_t bar)
{
    const float *next = delta;
    TP_ROLLED for (uint32_t left = size / 8U; left != 0U; --left, delta += 8) {
        for (uint32_t pair = 0U; pair < 8U; pair += 2U) {
            const tp_pair bits = tp_next_pair(&next);
            TP_DROP(delta + pair, bits.first) TP_DROP(delta + pair + 1, bits.second)
        }
    }
    TP_ROLLED for (uint32_t left = size % 8U; left != 0U; --left, ++delta) {
        TP_DROP(delta, tp_bits_of(*delta))
    }
}

#undef TP_DROP

TP_KERNEL void tp_clip_f32(float *delta, uint32_t size, float largest);
TP_KERNEL void tp_velocity_f32(float *velocity, const float *weight, float momentum, float decay, uint32_t size);
TP_KERNEL void tp_descend_f32(float *weight, const float *direction, float rate, uint32_t size);

TP_KERNEL float tp_abs_sum_f32(const float *delta, uint32_t size);
TP_KERNEL float tp_norm_f32(const float *delta, uint32_t size);
TP_KERNEL int tp_skip_by_error_f32(tp_layer_state *state, float y, float theta);
TP_KERNEL int tp_skip_by_loss_f32(float loss, float tau);
TP_KERNEL uint32_t tp_keep_above_f32(float *delta, uint32_t size, float share, int all_if_none);
TP_KERNEL uint32_t tp_keep_channels_f32(float *delta, uint32_t channels, uint32_t positions, float low, float high,
                                        float loss, float *sums, tp_layer_state *state);
TP_KERNEL uint32_t tp_keep_diffused_f32(float *delta, uint32_t channels, uint32_t positions, float share);
TP_KERNEL uint32_t tp_keep_memorised_f32(float *delta, uint32_t size, uint32_t n, float ratio, float share,
                                         float *residual, const uint8_t *argmax, uint32_t row, uint32_t pool_height,
                                         uint32_t pool_width, int packed);
TP_KERNEL uint32_t tp_keep_moving_f32(float *delta, uint32_t channels, uint32_t positions, const float *settled);
TP_KERNEL void tp_compare_response_f32(const float *y, uint32_t channels, uint32_t positions, uint32_t sample,
                                       uint32_t samples, float *memory);
TP_KERNEL void tp_judge_responses_f32(uint32_t channels, uint32_t positions, uint32_t samples, float eps, float mu,
                                      int first, float *memory);
TP_KERNEL void tp_take_sample_f32(float *memory, const float *x, uint32_t inputs, uint32_t samples);
TP_KERNEL uint32_t tp_keep_random_f32(float *delta, uint32_t size, uint32_t bound, uint32_t key,
                                      tp_layer_state *state);
TP_KERNEL uint32_t tp_keep_steered_f32(float *delta, uint32_t channels, uint32_t positions, float share, float rest,
                                       float per_entry, tp_layer_state *state);
TP_KERNEL uint32_t tp_keep_ratio_f32(float *delta, uint32_t size, uint32_t n, float s_min, float s_max, float scale,
                                     uint32_t k_min, tp_layer_state *state, const uint8_t *argmax, uint32_t row,
                                     uint32_t pool_height, uint32_t pool_width, int packed);

#if TP_INLINE_KERNELS
#include "../src/tp_abs_sum_f32.c"
#include "../src/tp_add_f32.c"
#include "../src/tp_all_finite_f32.c"
#include "../src/tp_argmax_f32.c"
#include "../src/tp_avg_pool2d_bwd_f32.c"
#include "../src/tp_avg_pool2d_fwd_f32.c"
#include "../src/tp_bands_f32.c"
#include "../src/tp_clamp_bwd_f32.c"
#include "../src/tp_clamp_fwd_f32.c"
#include "../src/tp_clamp_pack_f32.c"
#include "../src/tp_clip_f32.c"
#include "../src/tp_compact_f32.c"
#include "../src/tp_compare_response_f32.c"
#include "../src/tp_conv2d_error_f32.c"
#include "../src/tp_conv2d_error_f32_k3p1.c"
#include "../src/tp_conv2d_error_f32_k3p1w2.c"
#include "../src/tp_conv2d_fwd_f32.c"
#include "../src/tp_conv2d_fwd_f32_k3p1.c"
#include "../src/tp_conv2d_max_pool_fwd_f32.c"
#include "../src/tp_conv2d_max_pool_fwd_f32_k3p1w2.c"
#include "../src/tp_conv2d_update_f32.c"
#include "../src/tp_conv2d_update_f32_k3p1.c"
#include "../src/tp_conv2d_update_f32_k3p1w2.c"
#include "../src/tp_copy_f32.c"
#include "../src/tp_dense_bwd_f32.c"
#include "../src/tp_dense_error_f32.c"
#include "../src/tp_dense_error_f32_packed.c"
#include "../src/tp_dense_fwd_f32.c"
#include "../src/tp_dense_update_f32.c"
#include "../src/tp_depthwise_conv2d_error_f32.c"
#include "../src/tp_depthwise_conv2d_error_f32_k3p1.c"
#include "../src/tp_depthwise_conv2d_fwd_f32.c"
#include "../src/tp_depthwise_conv2d_fwd_f32_k3p1.c"
#include "../src/tp_depthwise_conv2d_update_f32.c"
#include "../src/tp_depthwise_conv2d_update_f32_k3p1.c"
#include "../src/tp_descend_f32.c"
#include "../src/tp_expf.c"
#include "../src/tp_hard_sigmoid_bwd_f32.c"
#include "../src/tp_hard_sigmoid_fwd_f32.c"
#include "../src/tp_hard_swish_bwd_f32.c"
#include "../src/tp_hard_swish_fwd_f32.c"
#include "../src/tp_judge_responses_f32.c"
#include "../src/tp_keep_above_f32.c"
#include "../src/tp_keep_all_f32.c"
#include "../src/tp_keep_channels_f32.c"
#include "../src/tp_keep_diffused_f32.c"
#include "../src/tp_keep_memorised_f32.c"
#include "../src/tp_keep_moving_f32.c"
#include "../src/tp_keep_random_f32.c"
#include "../src/tp_keep_ratio_f32.c"
#include "../src/tp_keep_steered_f32.c"
#include "../src/tp_leaky_relu_bwd_f32.c"
#include "../src/tp_leaky_relu_bwd_f32_packed.c"
#include "../src/tp_leaky_relu_fwd_f32.c"
#include "../src/tp_log_f32.c"
#include "../src/tp_logf.c"
#include "../src/tp_max_pool2d_bwd_f32.c"
#include "../src/tp_max_pool2d_fwd_f32.c"
#include "../src/tp_mean_squared_error_f32.c"
#include "../src/tp_norm_f32.c"
#include "../src/tp_pointwise_conv2d_error_f32.c"
#include "../src/tp_pointwise_conv2d_fwd_f32.c"
#include "../src/tp_pointwise_conv2d_update_f32.c"
#include "../src/tp_power_f32.c"
#include "../src/tp_relu_bwd_f32.c"
#include "../src/tp_relu_bwd_f32_packed.c"
#include "../src/tp_relu_fwd_f32.c"
#include "../src/tp_relu_pack_f32.c"
#include "../src/tp_rfft_f32.c"
#include "../src/tp_scale_shift_bwd_f32.c"
#include "../src/tp_scale_shift_error_f32.c"
#include "../src/tp_scale_shift_fwd_f32.c"
#include "../src/tp_scale_shift_update_f32.c"
#include "../src/tp_sigmoid_bwd_f32.c"
#include "../src/tp_sigmoid_fwd_f32.c"
#include "../src/tp_sigmoidf.c"
#include "../src/tp_skip_by_error_f32.c"
#include "../src/tp_skip_by_loss_f32.c"
#include "../src/tp_smoothed_cross_entropy_f32.c"
#include "../src/tp_softmax_cross_entropy_f32.c"
#include "../src/tp_sqrtf.c"
#include "../src/tp_take_sample_f32.c"
#include "../src/tp_tanh_bwd_f32.c"
#include "../src/tp_tanh_fwd_f32.c"
#include "../src/tp_tanhf.c"
#include "../src/tp_update_bias_f32.c"
#include "../src/tp_update_channel_bias_f32.c"
#include "../src/tp_velocity_f32.c"
#include "../src/tp_window_f32.c"
#endif

#endif

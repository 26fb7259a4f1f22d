//! The Gram matrix of some rows in `f64`, summed in tiles that stay in registers.

use multiversion::multiversion;

/// The row length for [`add_gram`]: a whole number of tiles, but no multiple of 8 tiles. Rows
/// spaced by a power of two would share their place in the cache.
pub(crate) fn padded(order: usize) -> usize {
    let tiles = order.div_ceil(TILE);
    TILE * if tiles.is_multiple_of(8) { tiles + 1 } else { tiles }
}

/// The number of columns of a tile of [`add_gram`]. A tile has as many rows, or half as many.
const TILE: usize = 8;

/// Adds `aᵀ·a` to the lower triangle of `gram`, and parts of it to the upper triangle. `a` has any
/// number of rows, each of the length [`padded`].
///
/// ```text
/// gram[j, k] += Σᵢ a[i, j] · a[i, k]        k ≤ j
/// ```
pub(crate) fn add_gram(a: &[f64], gram: &mut [f64], order: usize) {
    // The tile leaves some registers for the factors.
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        return add_gram_by::<8>(a, gram, order);
    }
    add_gram_by::<4>(a, gram, order);
}

fn add_gram_by<const ROWS: usize>(a: &[f64], gram: &mut [f64], order: usize) {
    for j in (0..order).step_by(ROWS) {
        for k in (0..j + ROWS).step_by(TILE) {
            add_gram_tile::<ROWS>(a, gram, order, j, k);
        }
    }
}

/// The products of `ROWS` columns, from `j` on, with eight columns, from `k` on, in registers.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn add_gram_tile<const ROWS: usize>(a: &[f64], gram: &mut [f64], order: usize, j: usize, k: usize) {
    let mut tile = [[0.0; TILE]; ROWS];
    for row in a.chunks_exact(order) {
        let (Some(left), Some(right)) = (row[j..].first_chunk(), row[k..].first_chunk()) else {
            return;
        };
        let (left, right): (&[f64; ROWS], &[f64; TILE]) = (left, right);
        for row in 0..ROWS {
            for column in 0..TILE {
                tile[row][column] += left[row] * right[column];
            }
        }
    }
    for (row, sums) in tile.iter().enumerate() {
        let gram = &mut gram[(j + row) * order + k..][..TILE];
        gram.iter_mut().zip(sums).for_each(|(gram, sum)| *gram += sum);
    }
}

//! Cube roots that are the same on every platform: from the four operations alone, which IEEE 754 and the language fix
//! to the last bit, as they do not fix a mathematical library's.

/// The cube root of `x`; 0 of what is not positive.
pub(super) fn cube_root(x: f64) -> f64 {
    if x.is_nan() || x <= 0.0 {
        return 0.0;
    }
    if x.is_infinite() {
        return x;
    }
    // Into 1..8 by factors of 8, exactly.
    let (mut scaled, mut scale) = (x, 1.0);
    while scaled >= 8.0 {
        scaled /= 8.0;
        scale *= 2.0;
    }
    while scaled < 1.0 {
        scaled *= 8.0;
        scale /= 2.0;
    }
    // Newton's method doubles the right digits each time; from 1.5 it is within 1e-15 of any root in 1..2 after six.
    let mut root = 1.5;
    for _ in 0..6 {
        root = (2.0 * root + scaled / (root * root)) / 3.0;
    }
    root * scale
}

/// The largest integer whose cube is at most `x`.
pub(super) fn integer_cube_root(x: u64) -> u64 {
    let (mut root, mut bit) = (0u64, 1u64 << 21);
    while bit > 0 {
        let larger = root | bit;
        // Below 2^22, so that the cube fits 66 bits.
        if u128::from(larger).pow(3) <= u128::from(x) {
            root = larger;
        }
        bit >>= 1;
    }
    root
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn roots_of_cubes_are_exact_to_rounding() {
        for x in [1e-9, 0.001, 1.0, 7.999, 8.0, 27.0, 75.0, 1e18] {
            let root = cube_root(x);
            assert!((root * root * root / x - 1.0).abs() < 1e-14, "{x}");
        }
        for x in [0.0, -1.0, f64::NAN, f64::NEG_INFINITY] {
            assert_eq!(cube_root(x), 0.0);
        }
        assert_eq!(cube_root(f64::INFINITY), f64::INFINITY);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn an_integer_root_is_the_largest_that_fits(x in any::<u64>()) {
            let root = u128::from(integer_cube_root(x));
            prop_assert!(root.pow(3) <= u128::from(x) && (root + 1).pow(3) > u128::from(x));
        }
    }
}

//! What two versions of a text have in common at their ends.

/// Compared at once: long enough for the compiler to use the widest registers.
const BLOCK: usize = 64;

/// How many bytes two texts have in common at their beginning.
#[must_use]
pub fn common_start(a: &[u8], b: &[u8]) -> usize {
    let (blocks, _) = a.as_chunks::<BLOCK>();
    let same = blocks.iter().zip(b.as_chunks::<BLOCK>().0).take_while(|(a, b)| a == b).count() * BLOCK;
    same + a[same..].iter().zip(&b[same..]).take_while(|(a, b)| a == b).count()
}

/// How many bytes two texts have in common at their end.
#[must_use]
pub fn common_end(a: &[u8], b: &[u8]) -> usize {
    let (_, blocks) = a.as_rchunks::<BLOCK>();
    let others = b.as_rchunks::<BLOCK>().1;
    let same = blocks.iter().rev().zip(others.iter().rev()).take_while(|(a, b)| a == b).count() * BLOCK;
    let (a, b) = (&a[..a.len() - same], &b[..b.len() - same]);
    same + a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ends_are_as_long_as_can_be(
            start in "[ab]{0,200}", end in "[ab]{0,200}", old in "[ab]{0,3}", new in "[ab]{0,3}"
        ) {
            let [a, b] = [old, new].map(|middle| format!("{start}{middle}{end}").into_bytes());
            let plain = |pairs: &mut dyn Iterator<Item = (&u8, &u8)>| pairs.take_while(|(a, b)| a == b).count();
            prop_assert_eq!(common_start(&a, &b), plain(&mut a.iter().zip(&b)));
            prop_assert_eq!(common_end(&a, &b), plain(&mut a.iter().rev().zip(b.iter().rev())));
        }
    }
}

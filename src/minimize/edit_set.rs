//! Sets of edits.

const BITS: usize = 64;

/// A set of edits, by number.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EditSet {
    /// One bit an edit; the last word is never 0, so that equal sets are equal.
    words: Vec<u64>,
}

impl EditSet {
    /// All of the first `count` edits.
    #[must_use]
    pub fn all(count: usize) -> Self {
        (0..count).collect()
    }

    /// Whether an edit is in it.
    #[must_use]
    pub fn contains(&self, edit: usize) -> bool {
        self.words.get(edit / BITS).is_some_and(|word| word >> (edit % BITS) & 1 == 1)
    }

    /// How many edits it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| usize::try_from(word.count_ones()).unwrap_or_default()).sum()
    }

    /// Whether the set holds none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The set's edits, in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        let bits = |word: u64| (0..BITS).filter(move |bit| word >> bit & 1 == 1);
        self.words.iter().enumerate().flat_map(move |(at, &word)| bits(word).map(move |bit| at * BITS + bit))
    }

    /// Put in one more; whether it is new.
    pub fn insert(&mut self, edit: usize) -> bool {
        let is_new = !self.contains(edit);
        if self.words.len() <= edit / BITS {
            self.words.resize(edit / BITS + 1, 0);
        }
        self.words[edit / BITS] |= 1 << (edit % BITS);
        is_new
    }

    /// With those of another.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        let (mut long, short) =
            if self.words.len() >= other.words.len() { (self.clone(), other) } else { (other.clone(), self) };
        for (word, more) in long.words.iter_mut().zip(&short.words) {
            *word |= more;
        }
        long
    }

    /// Without those of another.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let mut less = self.clone();
        for (word, gone) in less.words.iter_mut().zip(&other.words) {
            *word &= !gone;
        }
        while less.words.last() == Some(&0) {
            less.words.pop();
        }
        less
    }

    /// Whether another holds all of this one's.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.without(other).is_empty()
    }
}

impl FromIterator<usize> for EditSet {
    fn from_iter<I: IntoIterator<Item = usize>>(edits: I) -> Self {
        let mut set = Self::default();
        for edit in edits {
            set.insert(edit);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_equal_whatever_they_held_before() {
        let set = |edits: &[usize]| edits.iter().copied().collect::<EditSet>();
        assert_eq!(set(&[1, 70, 200]).without(&set(&[200, 70])), set(&[1]));
        assert_eq!(set(&[1]).with(&set(&[64])).iter().collect::<Vec<_>>(), [1, 64]);
        assert_eq!((set(&[0, 63, 64]).len(), EditSet::all(130).len()), (3, 130));
        assert!(set(&[]).is_within(&set(&[5])) && !set(&[5, 99]).is_within(&set(&[5])));
    }
}

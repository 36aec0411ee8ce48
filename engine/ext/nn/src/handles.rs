//! Numbers that guests hold in place of things: never an address, and never one of something that was there before.

/// Things at a time, at most.
pub const MOST: usize = 4_096;

/// Bits of a handle that are the place, counted from 1: a handle is never 0.
const PLACE: u32 = 16;

/// Generations of a place; behind the last one it is not used again. Handles are never negative.
const GENERATIONS: u32 = 1 << (31 - PLACE);

/// A table of things, which it names.
#[derive(Debug)]
pub(crate) struct Handles<T> {
    slots: Vec<(u32, Option<T>)>,
    free: Vec<usize>,
}

impl<T> Default for Handles<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }
}

impl<T> Handles<T> {
    /// Whether nothing more can be put in.
    pub fn is_full(&self) -> bool {
        self.free.is_empty() && self.slots.len() >= MOST
    }

    /// Puts a thing in, unless the table is full.
    pub fn insert(&mut self, thing: T) -> Option<u32> {
        let place = match self.free.pop() {
            Some(place) => place,
            None if self.is_full() => return None,
            None => {
                self.slots.push((0, None));
                self.slots.len() - 1
            }
        };
        let slot = &mut self.slots[place];
        slot.1 = Some(thing);
        Some(slot.0 << PLACE | (place as u32 + 1))
    }

    fn place(&self, handle: u32) -> Option<usize> {
        let place = (handle & ((1 << PLACE) - 1)).checked_sub(1)? as usize;
        (self.slots.get(place)?.0 == handle >> PLACE).then_some(place)
    }

    pub fn get(&self, handle: u32) -> Option<&T> {
        self.slots[self.place(handle)?].1.as_ref()
    }

    pub fn get_mut(&mut self, handle: u32) -> Option<&mut T> {
        let place = self.place(handle)?;
        self.slots[place].1.as_mut()
    }

    pub fn remove(&mut self, handle: u32) -> Option<T> {
        let place = self.place(handle)?;
        let slot = &mut self.slots[place];
        let thing = slot.1.take()?;
        slot.0 += 1;
        if slot.0 < GENERATIONS {
            self.free.push(place);
        }
        Some(thing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_names_one_thing_for_ever() {
        let mut table = Handles::default();
        let first = table.insert('a').unwrap();
        assert!(first > 0 && table.get(first) == Some(&'a'));
        assert_eq!(table.remove(first), Some('a'));
        let second = table.insert('b').unwrap();
        assert_ne!(first, second);
        assert_eq!((table.get(first), table.get(second)), (None, Some(&'b')));
        assert_eq!(table.remove(first), None);
        for stranger in [0, u32::MAX, second + 1, 0xffff] {
            assert_eq!(table.get(stranger), None);
        }
    }

    #[test]
    fn a_place_is_given_up_when_its_generations_are_over() {
        let mut table = Handles::default();
        for generation in 0..GENERATIONS {
            let handle = table.insert(()).unwrap();
            assert_eq!(handle, generation << PLACE | 1);
            table.remove(handle);
        }
        assert_eq!(table.insert(()), Some(2));
    }

    #[test]
    fn a_table_is_bounded() {
        let mut table = Handles::default();
        let all: Vec<_> = (0..MOST).map(|thing| table.insert(thing).unwrap()).collect();
        assert!(table.is_full() && table.insert(0).is_none());
        table.remove(all[7]);
        assert!(table.insert(0).is_some());
    }
}

//! How many connections a listener has, in all and by address, so that one address cannot take every place.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::metrics::Gauge;

/// The connections that are open.
#[derive(Debug)]
pub struct Crowd {
    places: Mutex<Places>,
    most: usize,
    most_of_address: usize,
    open: Gauge,
}

#[derive(Debug, Default)]
struct Places {
    by_address: HashMap<IpAddr, usize>,
    count: usize,
}

/// One connection of the crowd, until it is dropped.
#[derive(Debug)]
pub struct Place {
    crowd: Arc<Crowd>,
    address: IpAddr,
}

impl Crowd {
    /// At most `most` connections, of one address at most `most_of_address`; `open` shows how many there are.
    pub fn new(most: usize, most_of_address: usize, open: Gauge) -> Arc<Self> {
        Arc::new(Self { places: Mutex::default(), most, most_of_address, open })
    }

    /// A place for one more connection of `address`, if there is one.
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = places.by_address.get(&address).copied().unwrap_or(0);
        if self.most <= places.count || self.most_of_address <= of_address {
            return None;
        }
        places.by_address.insert(address, of_address + 1);
        places.count += 1;
        self.open.add(1);
        Some(Place { crowd: Arc::clone(self), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.open.add(-1);
        let mut places = self.crowd.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.count = places.count.saturating_sub(1);
        match places.by_address.get_mut(&self.address) {
            Some(count) if 1 < *count => *count -= 1,
            Some(_) => drop(places.by_address.remove(&self.address)),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_places_and_gets_them_back() {
        let open = Gauge::default();
        let crowd = Crowd::new(3, 2, open.clone());
        let [one, other] = [[10, 0, 0, 1], [10, 0, 0, 2]].map(IpAddr::from);
        let first = crowd.enter(one).unwrap();
        let _second = crowd.enter(one).unwrap();
        assert!(crowd.enter(one).is_none());
        let third = crowd.enter(other).unwrap();
        assert!(crowd.enter(other).is_none(), "there are no more than three places in all");
        assert_eq!(open.value(), 3);
        drop((first, third));
        assert!(crowd.enter(one).is_some());
        assert_eq!((open.value(), crowd.places.lock().unwrap().by_address.len()), (1, 1));
    }
}

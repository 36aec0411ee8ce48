//! wasmi's portable loop, with fuel and without, as a worker of the benches.

use gristmill_contenders::{Peer, Wasmi, worker};

fn main() {
    let peers: [Box<dyn Peer>; 2] = [Box::new(Wasmi::new(false)), Box::new(Wasmi::new(true))];
    worker::serve(&peers);
}

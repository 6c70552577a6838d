//! Transports that portus has and `ccp-ipc` does not yet: their types exist, so that code which
//! names them builds, but no value of them does.
#![cfg(target_os = "linux")]

macro_rules! missing {
    ($(#[$doc:meta])* $module:ident, $name:literal) => {
        $(#[$doc])*
        pub mod $module {
            use std::convert::Infallible;
            use std::marker::PhantomData;

            use crate::ipc::{Ipc, Mode};
            use crate::{Error, Result};

            /// A socket nobody can have yet.
            #[derive(Debug)]
            pub struct Socket<T> {
                never: Infallible,
                mode: PhantomData<T>,
            }

            impl<T: Mode> Socket<T> {
                /// Tells that there is no such transport.
                ///
                /// # Errors
                /// Always.
                pub fn new() -> Result<Self> {
                    Err(Error(concat!("the transport \"", $name, "\" does not exist yet; use \"unix\"").into()))
                }
            }

            impl<T: Mode> Ipc for Socket<T> {
                type Addr = ();

                fn name() -> String {
                    $name.into()
                }

                fn send(&self, _: &[u8], (): &()) -> Result<()> {
                    match self.never {}
                }

                fn recv(&self, _: &mut [u8]) -> Result<(usize, ())> {
                    match self.never {}
                }

                fn close(&mut self) -> Result<()> {
                    match self.never {}
                }
            }
        }
    };
}

missing! {
    /// Netlink sockets, toward the kernel module. Not there yet: opening one is an error.
    netlink, "netlink"
}
missing! {
    /// The character device of the kernel module. Not there yet: opening it is an error.
    kp, "char"
}

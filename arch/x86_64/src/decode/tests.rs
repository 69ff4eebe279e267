//! Host tests of the decoder.

mod alu;
mod differential;
mod execute;
mod lengths;
mod machine;
mod oracle;
mod table;

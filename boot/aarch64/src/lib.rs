//! How Phalanx starts on an Arm machine.
#![no_std]

//! What VT-x and SVM each bring: a control structure, a world switch, TLB tags.

use phalanx_arch_api::table::{Mapping, TableFormat};
use phalanx_arch_api::{Gpa, Hpa};

use crate::apic_window::ApicWindow;
use crate::vcpu::{Control, Gprs};
use crate::vlapic::LocalApic;

/// One virtualization extension of the processor.
pub trait Backend: Sized + 'static {
    /// What one physical CPU needs.
    type Cpu;
    /// VMCB or VMCS.
    type Control: Control + Send;
    /// The format of second-level tables.
    type SecondLevel: TableFormat<Input = Gpa>;

    /// Whether the delivery of an event is interrupted only by exits of the classes `SecondLevel` and `Rare`, as a manual
    /// promises. The others need no look then.
    const DELIVERY_ENDS_IN_FAULTS_ONLY: bool;

    /// A control structure for a guest whose second-level tables have their root at `root` and whose local APIC is in `apic`.
    fn new_control(root: Hpa, apic: &LocalApic) -> Self::Control;

    /// The page of the local APIC as the domain's second-level tables map it, where the processor takes part in it.
    fn apic_mapping() -> Option<Mapping<Gpa>>;

    /// The entry behind [`Self::apic_mapping`] in the tables at `root`.
    fn apic_window(root: Hpa) -> Option<ApicWindow>;

    /// Gives the vCPU a TLB tag that holds nothing stale on this CPU. Called when it is loaded; `gprs` are those that it is
    /// entered with until [`Self::put`].
    fn load(cpu: &mut Self::Cpu, control: &mut Self::Control, gprs: &Gprs);

    /// Takes the vCPU off this CPU: any other may load it. Called when it is saved.
    fn put(cpu: &mut Self::Cpu, control: &mut Self::Control);

    /// From here to [`Self::close`] a physical interrupt makes the next [`Self::enter`] exit.
    fn open(cpu: &mut Self::Cpu);

    /// Ends [`Self::open`].
    fn close(cpu: &mut Self::Cpu);

    /// Takes the interrupts that made the guest of `control` exit. Between [`Self::open`] and [`Self::close`].
    fn take_host_interrupts(cpu: &mut Self::Cpu, control: &Self::Control);

    /// Runs the guest until it exits. Between [`Self::open`] and [`Self::close`].
    fn enter(cpu: &mut Self::Cpu, control: &mut Self::Control, gprs: &mut Gprs);
}

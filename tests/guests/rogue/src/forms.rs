//! Instructions that touch memory behind which nothing is, and what they see there: all-ones.

/// A form: RDI is the address, RSI a buffer of 64 bytes of all-ones; the result is in RAX.
pub(crate) type Form = (&'static str, unsafe extern "C" fn(*mut u8, *mut u8) -> u64, u64);

macro_rules! form {
    ($name:literal, $want:expr, $($code:literal),+) => {{
        // SAFETY: a naked function that ends with RET and changes caller-saved registers only.
        #[unsafe(naked)]
        unsafe extern "C" fn code(_: *mut u8, _: *mut u8) -> u64 {
            core::arch::naked_asm!($($code,)+ "ret")
        }
        ($name, code as unsafe extern "C" fn(*mut u8, *mut u8) -> u64, $want)
    }};
}

const ONES: u64 = u64::MAX;

/// Moves.
pub(crate) fn moves() -> [Form; 21] {
    [
        form!("mov al", 0xff, "xor eax, eax", "mov al, [rdi]"),
        form!("mov ah", 0xff00, "xor eax, eax", "mov ah, [rdi]"),
        form!("mov r9b", 0xff, "mov r9b, [rdi]", "movzx eax, r9b"),
        form!("mov ax", 0xffff, "xor eax, eax", "mov ax, [rdi]"),
        form!("mov eax", 0xffff_ffff, "mov eax, [rdi]"),
        form!("mov rax", ONES, "mov rax, [rdi]"),
        form!("mov with index", ONES, "xor ecx, ecx", "mov rax, [rdi + rcx * 4 + 8]"),
        form!("mov below", ONES, "lea rdx, [rdi + 0x100]", "mov rax, [rdx - 0x80]"),
        form!("mov with segment", 0xff, "movzx eax, byte ptr ss:[rdi]"),
        form!("mov by offset", ONES, "movabs rax, [0x8000000000]"),
        form!("movzx 8", 0xff, "movzx eax, byte ptr [rdi]"),
        form!("movzx 16", 0xffff, "movzx eax, word ptr [rdi]"),
        form!("movsx 8", ONES, "movsx rax, byte ptr [rdi]"),
        form!("movsx 16", 0xffff_ffff, "movsx eax, word ptr [rdi]"),
        form!("movsxd", ONES, "movsxd rax, dword ptr [rdi]"),
        form!("store 8", ONES, "mov byte ptr [rdi], 0", "mov rax, [rdi]"),
        form!("store 16", ONES, "mov [rdi], cx", "mov rax, [rdi]"),
        form!("store 32", ONES, "mov dword ptr [rdi], 0x1234", "mov rax, [rdi]"),
        form!("store 64", ONES, "mov [rdi], rdi", "mov rax, [rdi]"),
        form!("movnti", ONES, "movnti [rdi], rdi", "mov rax, [rdi]"),
        form!("store by offset", ONES, "xor eax, eax", "movabs [0x8000000000], al", "mov rax, [rdi]"),
    ]
}

/// Arithmetic; the flag that a form ends with tells that it saw all-ones.
pub(crate) fn arithmetic() -> [Form; 21] {
    [
        form!("add", 0, "mov eax, 1", "add rax, [rdi]"),
        form!("adc", 0, "xor eax, eax", "stc", "adc rax, [rdi]"),
        form!("sub", 1, "xor eax, eax", "sub rax, [rdi]"),
        form!("sbb", 0, "xor eax, eax", "stc", "sbb rax, [rdi]"),
        form!("and", 0x1234, "mov eax, 0x1234", "and rax, [rdi]"),
        form!("or", ONES, "xor eax, eax", "or rax, [rdi]"),
        form!("xor", !0x0f, "mov eax, 0x0f", "xor rax, [rdi]"),
        form!("cmp imm", 1, "cmp qword ptr [rdi], -1", "sete al", "movzx eax, al"),
        form!("cmp reg", 1, "mov ecx, -1", "cmp ecx, [rdi]", "sete al", "movzx eax, al"),
        form!("test", 1, "test byte ptr [rdi], 0x80", "sets al", "movzx eax, al"),
        form!("test reg", 1, "test [rdi], rdi", "setnz al", "movzx eax, al"),
        form!("add to", 1, "mov eax, 1", "add [rdi], rax", "setc al", "movzx eax, al"),
        form!("add imm to", 1, "add dword ptr [rdi], 1", "setz al", "movzx eax, al"),
        form!("and imm to", ONES, "and word ptr [rdi], 0x1234", "mov rax, [rdi]"),
        form!("xor to", 1, "mov rax, -1", "xor [rdi], rax", "setz al", "movzx eax, al"),
        form!("inc", 1, "inc byte ptr [rdi]", "setz al", "movzx eax, al"),
        form!("dec", 1, "dec dword ptr [rdi]", "sets al", "movzx eax, al"),
        form!("not", ONES, "not qword ptr [rdi]", "mov rax, [rdi]"),
        form!("neg", 1, "neg word ptr [rdi]", "setc al", "movzx eax, al"),
        form!("bt", 1, "bt dword ptr [rdi], 7", "setc al", "movzx eax, al"),
        form!("btr", ONES, "btr qword ptr [rdi], 40", "mov rax, [rdi]"),
    ]
}

/// Locked and exchanging forms.
pub(crate) fn atomics() -> [Form; 10] {
    [
        form!("xchg", ONES, "xor eax, eax", "xchg rax, [rdi]"),
        form!("xchg 8", 0xff, "xor eax, eax", "xchg al, [rdi]"),
        form!("lock xadd", ONES, "mov eax, 1", "lock xadd [rdi], rax"),
        form!("lock add", 1, "lock add dword ptr [rdi], 1", "setz al", "movzx eax, al"),
        form!("lock inc", 1, "lock inc qword ptr [rdi]", "setz al", "movzx eax, al"),
        form!("lock or", 1, "lock or byte ptr [rdi], 0", "sets al", "movzx eax, al"),
        form!("lock bts", 1, "lock bts dword ptr [rdi], 3", "setc al", "movzx eax, al"),
        form!("lock btr by register", 1, "mov ecx, 100", "lock btr [rdi], ecx", "setc al", "movzx eax, al"),
        form!("cmpxchg that differs", ONES, "xor eax, eax", "mov ecx, 7", "lock cmpxchg [rdi], rcx"),
        form!("cmpxchg that agrees", 1, "mov rax, -1", "lock cmpxchg [rdi], rdi", "setz al", "movzx eax, al"),
    ]
}

/// String instructions; the result is the count left or what came.
pub(crate) fn strings() -> [Form; 11] {
    [
        form!("lodsb", 0xff, "mov rsi, rdi", "xor eax, eax", "lodsb"),
        form!("rep lodsq", 0, "mov rsi, rdi", "mov ecx, 3", "rep lodsq", "mov rax, rcx"),
        form!("stosd", ONES, "xor eax, eax", "stosd", "mov rax, [rdi]"),
        form!("rep stosb", 0, "xor eax, eax", "mov ecx, 100", "rep stosb", "mov rax, rcx"),
        form!("movsb from", 0xff, "xchg rsi, rdi", "mov byte ptr [rdi], 0", "movsb", "movzx eax, byte ptr [rdi - 1]"),
        form!("rep movsq from", ONES, "xchg rsi, rdi", "mov ecx, 8", "rep movsq", "mov rax, [rdi - 8]"),
        form!("rep movsb to", 0, "mov ecx, 64", "rep movsb", "mov rax, rcx"),
        form!("movsb backwards", 0xff, "xchg rsi, rdi", "std", "movsb", "cld", "movzx eax, byte ptr [rdi + 1]"),
        form!("repe cmpsb", 0, "mov ecx, 32", "repe cmpsb", "mov rax, rcx"),
        form!("repne scasb", 0, "xor eax, eax", "mov ecx, 50", "repne scasb", "mov rax, rcx"),
        form!("repe scasd", 0, "mov eax, -1", "mov ecx, 50", "repe scasd", "mov rax, rcx"),
    ]
}

/// Forms that a decoder of device accesses may leave out; then they raise #UD.
pub(crate) fn rare() -> [Form; 16] {
    [
        form!("push", ONES, "push qword ptr [rdi]", "pop rax"),
        form!("pop", ONES, "push 0", "pop qword ptr [rdi]", "mov rax, [rdi]"),
        form!("imul", ONES, "mov eax, 1", "imul rax, [rdi]"),
        form!("mul", 0x1fe, "mov eax, 2", "mul byte ptr [rdi]", "movzx eax, ax"),
        form!("shl", 1, "shl dword ptr [rdi], 1", "setc al", "movzx eax, al"),
        form!("rol", 1, "rol byte ptr [rdi], 1", "setc al", "movzx eax, al"),
        form!("cmov", ONES, "xor eax, eax", "cmovz rax, [rdi]"),
        form!("set", ONES, "sete byte ptr [rdi]", "mov rax, [rdi]"),
        form!("bsf", 0, "bsf rax, [rdi]"),
        form!("popcnt", 64, "popcnt rax, [rdi]"),
        form!("movbe", ONES, "movbe rax, [rdi]"),
        form!("cmpxchg8b", 0xffff_ffff, "xor eax, eax", "xor edx, edx", "lock cmpxchg8b [rdi]"),
        form!("cmpxchg16b", ONES, "xor eax, eax", "xor edx, edx", "lock cmpxchg16b [rdi]"),
        form!("movdqu", ONES, "movdqu xmm0, [rdi]", "movq rax, xmm0"),
        form!("vmovdqu", ONES, "vmovdqu ymm0, [rdi]", "vmovq rax, xmm0"),
        form!("movq mm0", ONES, "movq mm0, [rdi]", "movq rax, mm0", "emms"),
    ]
}

//! bzImage: what the kernel finds in boot_params, and where everything lies.

use super::Workshop;
use super::images::BzImage;

const BOOT_PARAMS: u64 = 0x7000;

fn workshop() -> Workshop {
    Workshop::new(&[("kernel", &BzImage::default().build()), ("initrd", &[0x17; 5000])])
}

#[test]
fn boot_params_tell_everything() {
    let built = workshop().domain("kernel = 'kernel'\ninitrd = 'initrd'\ncmdline = 'console=ttyS0'\nmemory = '64M'");
    let built = built.unwrap();
    let field = |offset| built.u32(BOOT_PARAMS + offset);
    assert_eq!(built.u64(BOOT_PARAMS + 0x70), 0xe_0000, "acpi_rsdp_addr");
    assert_eq!(built.read(BOOT_PARAMS + 0x1fe, 2), [0x55, 0xaa]);
    assert_eq!(built.read(BOOT_PARAMS + 0x202, 4), b"HdrS");
    assert_eq!(built.read(BOOT_PARAMS + 0x210, 1), [0xff], "type_of_loader");
    assert_eq!(field(0x214), 0x100_0000, "code32_start");
    assert_eq!(built.text(field(0x228).into()), "console=ttyS0");
    assert_eq!(field(0x21c), 5000, "ramdisk_size");
    assert_eq!(field(0x218), 0x400_0000 - 0x2000, "ramdisk_image is as high as possible");
    assert_eq!(built.read(field(0x218).into(), 5001), [vec![0x17; 5000], vec![0]].concat());
    assert_eq!(built.read(BOOT_PARAMS + 0x26c, 4), [0; 4], "code behind the header is not copied");
}

#[test]
fn memory_map_of_a_small_and_of_a_large_domain() {
    let lines = |memory: &str| {
        let built = workshop().domain(&format!("kernel = 'kernel'\nmemory = '{memory}'")).unwrap();
        let count = u64::from(built.read(BOOT_PARAMS + 0x1e8, 1)[0]);
        let line = |index| {
            let at = BOOT_PARAMS + 0x2d0 + index * 20;
            (built.u64(at), built.u64(at + 8), built.u32(at + 16))
        };
        (0..count).map(line).collect::<Vec<_>>()
    };
    let low = [(0, 0x9_fc00, 1), (0x9_fc00, 0x6_0400, 2)];
    assert_eq!(lines("64M"), [low[0], low[1], (0x10_0000, 0x3f0_0000, 1)]);
    assert_eq!(lines("4G"), [low[0], low[1], (0x10_0000, 0xbff0_0000, 1), (1 << 32, 1 << 30, 1)]);
}

#[test]
fn starts_in_long_mode_behind_the_setup() {
    let built = workshop().domain("kernel = 'known:kernel'").unwrap();
    let entry = built.entry();
    assert_eq!(entry.rip, 0x100_0200);
    assert_eq!(entry.gprs[6], BOOT_PARAMS, "RSI");
    assert_eq!((entry.cr0.get(), entry.cr4.get(), entry.efer.get()), (0x8000_0031, 0x20, 0x500));
    assert_eq!((entry.cs.selector.get(), entry.cs.attributes.get()), (0x10, 0xa9b));
    assert_eq!((entry.ss.selector.get(), entry.ss.attributes.get()), (0x18, 0xc93));
    assert_eq!((entry.tr.selector.get(), entry.tr.attributes.get()), (0x20, 0x8b));
    assert_eq!(entry.rflags, 2);
    assert_eq!(built.u64(entry.gdtr.base.get() + 0x10), 0x00af_9b00_0000_ffff);
    assert_eq!(built.u64(entry.cr3.get()), 0xa023, "the page tables are there");
    assert_eq!(built.read(entry.rip.get(), 3), [0xb2; 3]);
}

#[test]
fn the_initrd_avoids_the_room_that_the_kernel_unpacks_into() {
    let image = BzImage { init_size: 0x300_0000 - 0x4000, ..BzImage::default() };
    let shop = Workshop::new(&[("kernel", &image.build()), ("initrd", &[1; 0x4000])]);
    let built = shop.domain("kernel = 'kernel'\ninitrd = 'initrd'\nmemory = '64M'").unwrap();
    assert_eq!(built.u32(BOOT_PARAMS + 0x218), 0x3ff_c000);
    let larger = Workshop::new(&[("kernel", &image.build()), ("initrd", &[1; 0x4001])]);
    let built = larger.domain("kernel = 'kernel'\ninitrd = 'initrd'\nmemory = '64M'").unwrap();
    assert_eq!(built.u32(BOOT_PARAMS + 0x218), 0xff_b000, "just below the kernel");
}

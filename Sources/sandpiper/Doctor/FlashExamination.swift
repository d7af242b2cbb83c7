import Linux

/// How worn the medium beneath a folder is, as far as the kernel tells: eMMC reports its own wear, ext4
/// counts the errors that it has met.
enum FlashExamination {
  static func perform(_ folder: Words, _ report: inout Report) {
    guard let survey = SystemText.survey(folder) else { return }
    let block: Words = "/sys/dev/block/\(survey.device.major):\(survey.device.minor)"
    // A partition lies in the folder of its disk.
    lookAtWear(of: "\(block)/device", &report)
    lookAtWear(of: "\(block)/../device", &report)
    let name = SystemText.value(of: "DEVNAME=", in: "\(block)/uevent")
    if !name.isEmpty { lookAtErrors(name, &report) }
  }

  /// eMMC 5.0: two ages in tenths of the expected life, and how much of the spare blocks is used
  /// (Documentation/driver-api/mmc/mmc-dev-attrs.rst).
  private static func lookAtWear(of device: Words, _ report: inout Report) {
    let ages = SystemText.line(of: "\(device)/life_time").bytes
    let tenths = max(
      hex(SystemText.field(0, of: ages, " ")), hex(SystemText.field(1, of: ages, " ")))
    let spare = hex(SystemText.line(of: "\(device)/pre_eol_info").bytes)
    guard tenths > 0 || spare > 0 else { return }
    let life: Words =
      tenths > 10 ? "is past its expected life" : "has used up to \(tenths * 10) % of its life"
    let text: Words = "the flash \(life)\(spare > 1 ? ", and most of its spare blocks" : "")"
    let level: Finding.Level =
      tenths > 10 || spare > 2 ? .broken : tenths > 8 || spare == 2 ? .worthKnowing : .fine
    report.add(
      Finding(
        level: level, area: .storage, text: text,
        fix: level == .fine ? "" : "replace the medium, and copy what matters before"))
  }

  private static func lookAtErrors(_ name: Words, _ report: inout Report) {
    let count = SystemText.line(of: "/sys/fs/ext4/\(name)/errors_count")
    guard !count.isEmpty else { return }
    guard count.bytes != [UInt8(ascii: "0")] else {
      return report.fine(.storage, "\(name): no errors of the file system")
    }
    report.broken(
      .storage, "\(name): the file system has met \(count) errors",
      fix:
        "have it checked at the next boot (kernel option fsck.mode=force); see `dmesg` for the medium's"
    )
  }

  /// "0x0a"; 0 for anything else.
  private static func hex(_ text: [UInt8]) -> Int {
    guard text.count == 4 else { return 0 }
    var number = 0
    for byte in text[2...] {
      let digit =
        byte <= UInt8(ascii: "9")
        ? byte &- UInt8(ascii: "0") : (byte | 0x20) &- UInt8(ascii: "a") &+ 10
      guard digit < 16 else { return 0 }
      number = number * 16 + Int(digit)
    }
    return number
  }
}

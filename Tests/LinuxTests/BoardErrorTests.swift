import Core
import Device
import Testing
import TestSupport

@testable import Linux
@testable import LinuxBoard

@Suite struct BoardErrorTests {
  private func name(_ text: String) -> KernelName { bytes(text) { KernelName($0) } }

  private func story(_ reason: BoardError.Reason, capacity: Int = 512) -> String {
    var list = PointList()
    list.line("GPIO17")
    list.line("GPIO4")
    list.points[1].line.name = .empty
    list.points[1].line.chip = list.text("pinctrl-bcm2835")
    list.points[1].line.offset = 17
    var arena = testArena()
    let texts = TextPool(copying: list.texts.span, arena: &arena)
    let error = BoardError(point: 1, reason: reason)
    return text(capacity: capacity) { out in
      error.describe(points: list.points.span, texts: texts, into: &out)
    }
  }

  @Test func busyLineNamesWhoUsesIt() {
    #expect(
      story(.busy(consumer: name("w1"))) == """
        point "line1": line 17 of chip "pinctrl-bcm2835" is in use by "w1": end that use (a \
        program, an overlay in the device tree) or take another line
        """)
    #expect(story(.busy(consumer: name(""))).contains("in use by the kernel"))
  }

  @Test func deniedDeviceNamesFileAndGroup() {
    let device = bytes("/dev/gpiochip0") { FixedText<32>($0) }
    #expect(
      story(.denied(device: device, group: name("gpio"))) == """
        point "line1": /dev/gpiochip0 may not be opened: add the user that runs this program to \
        the group "gpio" (usermod -aG), then log in anew
        """)
  }

  @Test func similarNamesAreShownAsFarAsThereAreAny() {
    var names = InlineArray<3, KernelName>(repeating: KernelName())
    #expect(story(.noSuchChip(labels: names)).contains(#""pinctrl-bcm2835". `sandpiper"#))
    names[0] = name("gpio-sim")
    names[1] = name("exp")
    #expect(story(.noSuchChip(labels: names)).contains(#"; there are "gpio-sim", "exp". `"#))
  }

  @Test func storyIsCutWhereTheSpaceEnds() {
    let whole = story(.sameLine(otherPoint: 0))
    #expect(whole.hasSuffix(#"is also the line of point "line0""#))
    for capacity in 0..<whole.utf8.count {
      #expect(story(.sameLine(otherPoint: 0), capacity: capacity) == whole.prefix(capacity))
    }
  }

  @Test func nearestNameTakesTheFewestChanges() {
    func distance(_ a: String, _ b: String) -> Int { editDistance(name(a), name(b)) }
    #expect(distance("GPIO17", "GPIO17") == 0)
    #expect(distance("GPIO17", "GPOI17") == 2)
    #expect(distance("GPIO17", "gpio17") == 4)
    #expect(distance("GPIO17", "GPIO1") == 2)
    #expect(distance("", "abc") == 6)
    let long = String(repeating: "x", count: 32)
    #expect(distance(long, long) == 0)
    #expect(distance(long, "") == 64)
  }

  @Test func simulatedSensorIsRefusedOnARealBoard() throws {
    var list = PointList()
    list.sensor(.simulated, device: "")
    do {
      _ = try events(list, sysfs: "/nonexistent") { _ in true }
      Issue.record("a simulated sensor was taken")
    } catch let error as BoardError {
      #expect(error.point == 0)
      guard case .simulatedSensor = error.reason else {
        Issue.record("another reason")
        return
      }
    }
  }

  @Test func measuringAsksForWhatConstructionTakes() {
    var list = PointList()
    list.line("a")
    list.line("b", kind: .output)
    list.sensor(.thermal, device: "cpu")
    var measuring = Arena()
    _ = GPIOBoard(points: list.points.span, arena: &measuring)
    var real = testArena()
    _ = GPIOBoard(points: list.points.span, arena: &real)
    #expect(measuring.used == real.used)
    #expect(measuring.used > 0)
  }
}

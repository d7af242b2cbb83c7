import Core
import Device
import Foundation
import Testing

@testable import Linux
@testable import LinuxBoard

@Suite struct SensorTests {
  private func name(_ text: String) -> FixedText<64> { bytes(text) { FixedText($0) } }

  /// What one reading gives, and the device's number as found.
  private func read(
    _ scratch: Scratch, _ source: SensorSource, _ device: String, _ channel: String = "",
    last: Double = .nan
  ) -> SensorReading {
    let reader = SensorReader(root: name(scratch.path))
    var address = SensorAddress(source: source, device: name(device), channel: name(channel))
    return reader.readConfirmed(&address, last: last)
  }

  private func value(_ reading: SensorReading) -> Double? {
    if case .value(let value) = reading { value } else { nil }
  }

  private func fault(_ reading: SensorReading) -> PointFault? {
    if case .fault(let fault) = reading { fault } else { nil }
  }

  @Test func thermalZoneIsFoundByItsTypeAndReadInDegrees() throws {
    let scratch = try Scratch()
    try scratch.write("acpitz\n", to: "class/thermal/thermal_zone0/type")
    try scratch.write("27800\n", to: "class/thermal/thermal_zone0/temp")
    try scratch.write("cpu-thermal\n", to: "class/thermal/thermal_zone7/type")
    try scratch.write("-1250\n", to: "class/thermal/thermal_zone7/temp")
    #expect(value(read(scratch, .thermal, "cpu-thermal")) == -1.25)
    #expect(fault(read(scratch, .thermal, "cpu")) == .missing)
  }

  @Test func hwmonUnitsAreTheKernels() throws {
    let scratch = try Scratch()
    let values = [
      ("temp1", "48312", 48.312), ("in0", "3301", 3.301), ("curr2", "-20", -0.02),
      ("power1", "1500000", 1.5), ("humidity1", "45120", 45.12), ("fan1", "1180", 1180),
    ]
    try scratch.write("bme\n", to: "class/hwmon/hwmon3/name")
    for (channel, text, _) in values {
      try scratch.write(text + "\n", to: "class/hwmon/hwmon3/\(channel)_input")
    }
    for (channel, _, expected) in values {
      #expect(value(read(scratch, .hwmon, "bme", channel)) == expected)
    }
    try scratch.write("1\n", to: "class/hwmon/hwmon3/temp1_fault")
    #expect(fault(read(scratch, .hwmon, "bme", "temp1")) == .unreadable)
  }

  @Test func ofTwoDevicesWithOneNameTheOneWithTheChannelIsRead() throws {
    let scratch = try Scratch()
    try scratch.write("chip\n", to: "class/hwmon/hwmon0/name")
    try scratch.write("1000\n", to: "class/hwmon/hwmon0/in0_input")
    try scratch.write("chip\n", to: "class/hwmon/hwmon1/name")
    try scratch.write("2000\n", to: "class/hwmon/hwmon1/temp1_input")
    #expect(value(read(scratch, .hwmon, "chip", "temp1")) == 2)
    #expect(fault(read(scratch, .hwmon, "chip", "temp2")) == .missing)
  }

  @Test func iioValueIsProcessedOrWorkedOut() throws {
    let scratch = try Scratch()
    let folder = "bus/iio/devices/iio:device1/"
    try scratch.write("bme280\n", to: folder + "name")
    try scratch.write("23450\n", to: folder + "in_temp_input")
    try scratch.write("101.325000000\n", to: folder + "in_pressure_input")
    try scratch.write("45120\n", to: folder + "in_humidityrelative_input")
    // (raw + offset) x scale, both of the channel's own.
    try scratch.write("2048\n", to: folder + "in_voltage0_raw")
    try scratch.write("-48\n", to: folder + "in_voltage0_offset")
    try scratch.write("0.500000000\n", to: folder + "in_voltage0_scale")
    // Both shared by type.
    try scratch.write("100\n", to: folder + "in_voltage1_raw")
    try scratch.write("2\n", to: folder + "in_voltage_scale")
    // Neither.
    try scratch.write("17\n", to: folder + "in_proximity_raw")
    #expect(value(read(scratch, .iio, "bme280", "temp")) == 23.45)
    #expect(value(read(scratch, .iio, "bme280", "pressure")) == 101.325)
    #expect(value(read(scratch, .iio, "bme280", "humidityrelative")) == 45.12)
    #expect(value(read(scratch, .iio, "bme280", "voltage0")) == 1)
    #expect(value(read(scratch, .iio, "bme280", "voltage1")) == 0.2)
    #expect(value(read(scratch, .iio, "bme280", "proximity")) == 17)
    #expect(fault(read(scratch, .iio, "bme280", "voltage2")) == .missing)
  }

  @Test(arguments: ["", "\n", "abc\n", "12x\n", "1.2.3\n", ".5\n", "-\n", "--1\n", "1e3\n"])
  func nonsenseIsUnreadable(text: String) throws {
    let scratch = try Scratch()
    try scratch.write(text, to: "bus/w1/devices/28-1/temperature")
    #expect(fault(read(scratch, .oneWire, "28-1")) == .unreadable)
  }

  @Test func oneWireThermometerIsReadInDegrees() throws {
    let scratch = try Scratch()
    try scratch.write("21437\n", to: "bus/w1/devices/28-00000a1b2c3d/temperature")
    #expect(value(read(scratch, .oneWire, "28-00000a1b2c3d")) == 21.437)
    #expect(fault(read(scratch, .oneWire, "28-other")) == .missing)
  }

  @Test func powerOnValueIsBelievedOnlyNearTheLatestReading() throws {
    let scratch = try Scratch()
    try scratch.write("85000\n", to: "bus/w1/devices/28-1/temperature")
    #expect(fault(read(scratch, .oneWire, "28-1")) == .unreadable)
    #expect(fault(read(scratch, .oneWire, "28-1", last: 21)) == .unreadable)
    #expect(value(read(scratch, .oneWire, "28-1", last: 84.9375)) == 85)
    try scratch.write("85062\n", to: "bus/w1/devices/28-1/temperature")
    #expect(value(read(scratch, .oneWire, "28-1", last: 21)) == 85.062)
  }

  @Test func eachSensorIsReadAtItsOwnInterval() throws {
    let scratch = try Scratch()
    try scratch.write("1000\n", to: "bus/w1/devices/28-1/temperature")
    try scratch.write("2000\n", to: "bus/w1/devices/28-2/temperature")
    var list = PointList()
    list.sensor(.oneWire, device: "28-1", every: .milliseconds(10))
    list.sensor(.oneWire, device: "28-2", every: .seconds(60))
    list.sensor(.oneWire, device: "28-3", every: .seconds(60))
    let events = try events(list, sysfs: scratch.path) { $0.count(of: 0) >= 5 }
    #expect(events.firstSample(of: 0) == 1)
    #expect(events.firstSample(of: 1) == 2)
    #expect(events.firstFault(of: 2) == .missing)
    #expect(events.count(of: 1) == 1)
  }

  @Test func changedValueAndVanishedSensorAreSeen() throws {
    let scratch = try Scratch()
    let file = "bus/w1/devices/28-1/temperature"
    try scratch.write("1000\n", to: file)
    var list = PointList()
    list.sensor(.oneWire, device: "28-1")
    let events = try events(list, sysfs: scratch.path) { events in
      if events.count == 1 { try? scratch.write("1500\n", to: file) }
      if events.last?.sample == 1.5 {
        try? FileManager.default.removeItem(atPath: scratch.path + "/" + file)
      }
      return events.last?.fault != nil
    }
    #expect(events.first?.sample == 1)
    #expect(events.contains { $0.sample == 1.5 })
    #expect(events.last?.fault == .missing)
  }

  @Test func hangingSensorTimesOutAndStopsNoOtherOne() throws {
    let scratch = try Scratch()
    try scratch.write("2000\n", to: "bus/w1/devices/28-2/temperature")
    let pipe = scratch.path + "/bus/w1/devices/28-1/temperature"
    try FileManager.default.createDirectory(
      atPath: scratch.path + "/bus/w1/devices/28-1", withIntermediateDirectories: true)
    // Nobody writes to it: opening it to read hangs.
    #expect(mkfifo(pipe, 0o600) == 0)
    var list = PointList()
    list.sensor(.oneWire, device: "28-1")
    list.sensor(.oneWire, device: "28-2")
    var answered = false
    let events = try events(list, sysfs: scratch.path, timeout: .milliseconds(100)) { events in
      let timedOut = events.firstIndex { $0.fault == .timedOut }
      guard let timedOut else { return false }
      // The other one goes on.
      let after = events[timedOut...].filter { $0.sample == 2 }.count
      if after >= 3 && !answered {
        answered = true
        // At last it answers.
        let writer = open(pipe, O_WRONLY)
        _ = bytes("7000\n") { text in
          text.withUnsafeBufferPointer { write(writer, $0.baseAddress, $0.count) }
        }
        close(writer)
        // From here on it is an ordinary file, so that no thread is left hanging. It says the same,
        // because who reads it next may have been in the pipe, too.
        unlink(pipe)
        try? scratch.write("7000\n", to: "bus/w1/devices/28-1/temperature")
      }
      if events.contains(where: { $0.sample == 7 }) {
        try? scratch.write("8000\n", to: "bus/w1/devices/28-1/temperature")
      }
      return events.contains { $0.sample == 8 }
    }
    #expect(events.firstFault(of: 0) == .timedOut)
    #expect(events.filter { $0.fault == .timedOut }.count == 1)
    #expect(events.contains { $0.sample == 7 })
    #expect(events.contains { $0.sample == 8 })
  }

  @Test func whenAllThreadsHangAllSensorsTimeOut() throws {
    let scratch = try Scratch()
    var list = PointList()
    for index in 0..<5 {
      let folder = scratch.path + "/bus/w1/devices/28-\(index)"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      #expect(mkfifo(folder + "/temperature", 0o600) == 0)
      list.sensor(.oneWire, device: "28-\(index)")
    }
    let events = try events(list, sysfs: scratch.path, timeout: .milliseconds(20)) { events in
      events.count == 5
    }
    #expect(events.allSatisfy { $0.fault == .timedOut })
    #expect(Set(events.map(\.point)) == [0, 1, 2, 3, 4])
    // Let the threads go.
    for index in 0..<5 {
      let pipe = open(scratch.path + "/bus/w1/devices/28-\(index)/temperature", O_RDWR | O_NONBLOCK)
      close(pipe)
    }
  }

  @Test func listShowsEverySensorAsAProfileNamesIt() throws {
    let scratch = try Scratch()
    try scratch.write("cpu-thermal\n", to: "class/thermal/thermal_zone0/type")
    try scratch.write("48312\n", to: "class/thermal/thermal_zone0/temp")
    try scratch.write("a \"b\" \\\n", to: "class/thermal/thermal_zone1/type")
    try scratch.write("1000\n", to: "class/thermal/thermal_zone1/temp")
    try scratch.write("rpi_volt\n", to: "class/hwmon/hwmon1/name")
    try scratch.write("3300\n", to: "class/hwmon/hwmon1/in0_input")
    try scratch.write("ads1015\n", to: "bus/iio/devices/iio:device0/name")
    try scratch.write("7\n", to: "bus/iio/devices/iio:device0/in_voltage1_raw")
    try scratch.write("9\n", to: "bus/iio/devices/iio:device0/in_voltage0_raw")
    try scratch.write("x\n", to: "bus/w1/devices/w1_bus_master1/w1_master_name")
    // Nobody ever writes to this one: who opened it would wait for ever.
    try scratch.write("", to: "bus/w1/devices/28-00000a1b2c3d/id")
    #expect(mkfifo(scratch.path + "/bus/w1/devices/28-00000a1b2c3d/temperature", 0o600) == 0)
    var snippets: [String] = []
    bytes(scratch.path) { sysfs in
      Inventory.forEachSensor(sysfs: sysfs) { sensor in
        snippets.append(text { sensor.writeSnippet(into: &$0) })
      }
    }
    #expect(
      snippets == [
        #""thermal": "cpu-thermal""#,
        #""thermal": "a \"b\" \\""#,
        #""hwmon": {"device": "rpi_volt", "channel": "in0"}"#,
        #""w1": "28-00000a1b2c3d""#,
        #""iio": {"device": "ads1015", "channel": "voltage0"}"#,
        #""iio": {"device": "ads1015", "channel": "voltage1"}"#,
      ])
  }
}

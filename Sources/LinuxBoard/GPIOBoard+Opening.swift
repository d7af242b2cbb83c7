import CGPIO
import CLinux
import Core
import Device
import Linux

extension GPIOBoard {
  /// How many different set-ups one request may hold. The kernel takes ten attributes a request
  /// (GPIO_V2_LINE_NUM_ATTRS_MAX), and each set-up needs at most two: flags and debounce.
  private static var settingsMax: Int { 5 }

  /// Tokens of the board's own epoll set: below these are the requests.
  static var sensorReplyToken: UInt32 { 0x8000_0000 }
  static var sensorTimeoutToken: UInt32 { 0x8000_0001 }

  /// Finds and requests all lines of `points`, and starts to read the sensors, whose files are
  /// below `sysfs`. All lines are looked up before the first is touched; outputs, which start in
  /// the state that the profile says, come last. When it throws, nothing stays requested.
  ///
  /// To be called once, with the points that the board was made for.
  public mutating func open(
    points: Span<PointSpec>, texts: borrowing TextPool, sysfs: StaticString = "/sys"
  ) throws(BoardError) {
    try withBytes(of: sysfs) { (sysfs) throws(BoardError) in
      try open(points: points, texts: texts, sysfs: sysfs)
    }
  }

  /// As above, with a path that is not known when the program is built: for tests.
  public mutating func open(
    points: Span<PointSpec>, texts: borrowing TextPool, sysfs: Span<UInt8>
  ) throws(BoardError) {
    for index in points.indices
    where points[index].kind == .sensor && points[index].sensor.source == .simulated {
      throw BoardError(point: index, reason: .simulatedSensor)
    }
    do throws(BoardError) {
      if lines.count > 0 {
        try openLines(points: points, texts: texts)
      } else {
        openedAt = Clock.now()
        takeOver()
        releaseOthers()
      }
      try openLoop()
      try startSensors(points: points, texts: texts, sysfs: sysfs)
    } catch {
      // What the run before has left is as it was, for whoever comes next.
      handOn()
      releaseAll()
      openedAt = .never
      throw error
    }
    checkAt = lineCount > 0 ? openedAt + Self.checkEvery : .never
  }

  /// Throws when the board has not all the lines of `points`, of which it touches none: to be asked
  /// before a running board is given up for them. Whether they can be had shows only `open`.
  public static func look(
    for points: Span<PointSpec>, texts: borrowing TextPool
  ) throws(BoardError) {
    let finder = LineFinder()
    for index in points.indices {
      let spec = points[index]
      if spec.kind == .sensor {
        guard spec.sensor.source != .simulated else {
          throw BoardError(point: index, reason: .simulatedSensor)
        }
      } else {
        _ = try finder.find(spec.line, of: index, texts: texts)
      }
    }
  }

  private mutating func openLines(
    points: Span<PointSpec>, texts: borrowing TextPool
  ) throws(BoardError) {
    unsafe buffer = cgpio_buffer_new()
    guard unsafe buffer != nil else { throw refused(ENOMEM) }
    var finder = LineFinder()
    for index in points.indices where points[index].kind != .sensor {
      let spec = points[index].line
      let found = try finder.find(spec, of: index, texts: texts)
      let line = Line(
        point: index, chip: found.chip, setting: setting(of: points[index], found.offset))
      try insert(line)
    }
    keepChips(of: &finder)
    group()
    // Edges from here on are reported as such, so the levels at start count from here.
    openedAt = Clock.now()
    takeOver()
    // Nothing is let go before it is known that the others can be had.
    for index in 0..<requestCount where !requests[index].isOpen && !isLeft(index) {
      try make(index)
    }
    releaseOthers()
    for index in 0..<requestCount where !requests[index].isOpen { try make(index) }
    keepOutputs(points: points)
    for index in 0..<lineCount where !lines[index].setting.output {
      lines[index].level = (level(of: index) ?? 0) == 1
    }
  }

  private func setting(of point: PointSpec, _ offset: Int) -> cgpio_setting {
    var setting = cgpio_setting()
    let line = point.line
    let debounce = line.debounce.nanoseconds / 1_000
    setting.offset = UInt32(truncatingIfNeeded: offset)
    setting.bias = line.bias.rawValue
    setting.active_low = line.activeLow
    if point.kind == .output {
      setting.output = true
      setting.drive = line.drive.rawValue
      setting.level = point.output.start
    } else if Self.debouncesInKernel {
      setting.debounce = UInt32(truncatingIfNeeded: min(debounce, 0xFFFF_FFFF))
    }
    return setting
  }

  /// Puts `line` in its place: inputs before outputs, by chip, by offset.
  private mutating func insert(_ line: Line) throws(BoardError) {
    var place = lineCount
    while place > 0 && isBefore(line, lines[place - 1]) {
      lines[place] = lines[place - 1]
      place -= 1
    }
    lines[place] = line
    lineCount += 1
    for index in 0..<lineCount where index != place && lines[index].chip == line.chip {
      guard lines[index].setting.offset == line.setting.offset else { continue }
      throw BoardError(point: line.point, reason: .sameLine(otherPoint: lines[index].point))
    }
  }

  private func isBefore(_ a: Line, _ b: Line) -> Bool {
    if a.setting.output != b.setting.output { return b.setting.output }
    if a.chip != b.chip { return a.chip < b.chip }
    return a.setting.offset < b.setting.offset
  }

  /// Takes over the chips that have lines of ours; the finder closes the others.
  private mutating func keepChips(of finder: inout LineFinder) {
    for place in 0..<finder.count {
      var isUsed = false
      for index in 0..<lineCount where lines[index].chip == place { isUsed = true }
      guard isUsed, let chip = finder.take(place) else { continue }
      chips[chipCount] = ChipSlot(chip: chip, label: chip.label, lineCount: chip.lineCount)
      // From here on `chip` is the place in our table: never behind the one in the finder's, so
      // no line is moved twice.
      for index in 0..<lineCount where lines[index].chip == place { lines[index].chip = chipCount }
      chipCount += 1
    }
  }

  /// Divides the sorted lines into requests.
  private mutating func group() {
    for index in 0..<lineCount {
      if index > 0 && fitsLastRequest(index) {
        requests[requestCount - 1].count += 1
      } else {
        requests[requestCount] = LineRequest(first: index, count: 1)
        requestCount += 1
      }
      lines[index].request = requestCount - 1
    }
  }

  private func fitsLastRequest(_ index: Int) -> Bool {
    let request = requests[requestCount - 1]
    let first = lines[request.first]
    let line = lines[index]
    guard !line.setting.output, line.chip == first.chip,
      request.count < Int(CGPIO_REQUEST_LINES_MAX)
    else { return false }
    var different = 0
    for one in request.first...index {
      var isNew = true
      for other in request.first..<one where isAlike(lines[one], lines[other]) { isNew = false }
      if isNew { different += 1 }
    }
    return different <= Self.settingsMax
  }

  private func isAlike(_ a: Line, _ b: Line) -> Bool {
    a.setting.bias == b.setting.bias && a.setting.active_low == b.setting.active_low
      && a.setting.debounce == b.setting.debounce
  }

  private mutating func openLoop() throws(BoardError) {
    do throws(SystemError) {
      loop = try EventLoop()
      for index in 0..<requestCount { try watch(index) }
    } catch {
      throw refused(error.code)
    }
  }

  /// Adds a request of inputs to the board's epoll set.
  func watch(_ index: Int) throws(SystemError) {
    guard let handle = requests[index].handle,
      !lines[requests[index].first].setting.output
    else { return }
    let descriptor = unsafe cgpio_descriptor(handle)
    try loop?.add(
      descriptor, token: UInt32(truncatingIfNeeded: index), read: true, write: false)
  }

  private mutating func startSensors(
    points: Span<PointSpec>, texts: borrowing TextPool, sysfs: Span<UInt8>
  ) throws(BoardError) {
    guard sensors.count > 0 else { return }
    do throws(SystemError) {
      try sensors.start(points: points, texts: texts, sysfs: sysfs)
      try loop?.add(
        sensors.replyDescriptor, token: Self.sensorReplyToken, read: true, write: false)
      try loop?.add(
        sensors.timeoutDescriptor, token: Self.sensorTimeoutToken, read: true, write: false)
    } catch {
      throw refused(error.code)
    }
  }

  private func refused(_ code: Int32) -> BoardError {
    BoardError(point: -1, reason: .refused(SystemError(code: code, doing: "open")))
  }

  private mutating func releaseAll() {
    loop = nil
    for index in 0..<requestCount { requests[index].release() }
    for index in 0..<chipCount { chips[index].chip?.close() }
    requestCount = 0
    chipCount = 0
    lineCount = 0
  }
}

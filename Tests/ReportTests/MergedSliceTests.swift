import Core
import MadeUpCourse
import Simulator
import Testing

@testable import Report

/// Slices of time, merged until a plot can show them.
@Suite struct MergedSliceTests {
  @Test func mergingKeepsSums() {
    let course = MadeUpCourse.lossy(days: 9)
    let (merged, length) = MergedSlice.merging(course, most: 1_000)
    #expect(merged.count == 9 * 24 * 4 && length == 900)
    func sum(_ share: KeyPath<Course.Slice, Int32>) -> Int {
      course.slices.reduce(0) { $0 + Int($1[keyPath: share]) }
    }
    #expect(merged.reduce(0) { $0 + $1.made } == sum(\.made))
    #expect(merged.reduce(0) { $0 + $1.live } == sum(\.live))
    #expect(merged.reduce(0) { $0 + $1.late } == sum(\.late))
    #expect(merged.reduce(0) { $0 + $1.lost } == sum(\.lost))
    #expect(merged.reduce(0) { $0 + $1.bytesUp } == sum(\.bytesUp))
    #expect(merged.reduce(0) { $0 + $1.bytesDown } == sum(\.bytesDown))
    #expect(merged.reduce(0) { $0 + $1.flashBytes } == sum(\.flashBytes))
    #expect(merged.map(\.outboxMost).max() == course.slices.map { Int($0.outboxMost) }.max())
    #expect(merged.map(\.journalMost).max() == course.slices.map { Int($0.journalMost) }.max())
  }

  @Test func sumsBeyondThirtyTwoBitsAreKept() {
    var slice = Course.Slice()
    slice.bytesUp = .max
    let merged = MergedSlice([slice, slice, slice], begin: 0)
    #expect(merged.bytesUp == 3 * Int(Int32.max))
  }

  @Test func mergedMedianIsWeighedByReadings() {
    let slices = [(1, 900), (10, 20), (2, 40)].map { live, median in
      var slice = Course.Slice()
      slice.live = Int32(live)
      slice.latencyMedian = .milliseconds(Int64(median))
      slice.latencyMax = .milliseconds(Int64(median * 2))
      return slice
    }
    let merged = MergedSlice(slices[...], begin: 0)
    #expect(merged.latencyMedian == 0.02)
    #expect(merged.latencyMax == 1.8)
    #expect(MergedSlice([Course.Slice()], begin: 0).latencyMedian == nil)
  }

  @Test func oddSlicesAreMergedAllTheSame() {
    var course = Course()
    course.sliceLength = .milliseconds(7_777)
    course.slices = [Course.Slice](repeating: Course.Slice(), count: 12_345)
    let (merged, length) = MergedSlice.merging(course, most: 1_000)
    #expect(merged.count <= 1_000)
    #expect(abs(Double(merged.count) * length - 12_345 * 7.777) < length)
    #expect(MergedSlice.merging(Course(), most: 1_000).slices.isEmpty)
  }
}

# Makes COUNT issues of project `demo`, each with its story, in one process and without mail.
# Run by redmine.sh; prints their numbers.  Rows are inserted as they would have been saved.
count = Integer(ENV.fetch('COUNT'))
demo = Project.find('demo')
people = %w[jesse eve bob].map { |login| User.find_by_login(login) }
trackers = Tracker.sorted.to_a
statuses = IssueStatus.sorted.to_a
priorities = IssuePriority.sorted.to_a
begun = Time.now - count * 60
last = Issue.maximum(:id).to_i

issues = (1..count).map do |n|
  born = begun + n * 30
  { id: last + n, root_id: last + n, lft: 1, rgt: 2, project_id: demo.id,
    tracker_id: trackers[n % trackers.size].id, status_id: statuses[n % statuses.size].id,
    priority_id: priorities[n % priorities.size].id, author_id: people[n % people.size].id,
    assigned_to_id: people[(n + 1) % people.size].id, subject: "Filled ticket #{n}",
    description: "Ticket *#{n}* of many.\r\n\r\n* one\r\n* two\r\n", done_ratio: 0,
    created_on: born, updated_on: born + 3 * 10 }
end
journals, details = [], []
first = Journal.maximum(:id).to_i
issues.each_with_index do |issue, n|
  3.times do |k|
    id = first + n * 3 + k + 1
    journals << { id: id, journalized_id: issue[:id], journalized_type: 'Issue', private_notes: false,
                  user_id: people[(n + k) % people.size].id, created_on: issue[:created_on] + (k + 1) * 10,
                  notes: k == 1 ? '' : "Comment #{k} on a filled ticket, with *words*." }
  end
  details << { journal_id: first + n * 3 + 2, property: 'attr', prop_key: 'status_id',
               old_value: statuses[0].id.to_s, value: issue[:status_id].to_s }
end
details.reject! { |row| row[:old_value] == row[:value] }

Issue.transaction do
  issues.each_slice(500) { |rows| Issue.insert_all!(rows) }
  journals.each_slice(500) { |rows| Journal.insert_all!(rows) }
  details.each_slice(500) { |rows| JournalDetail.insert_all!(rows) }
end
puts issues.map { |issue| issue[:id] }

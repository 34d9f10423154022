# What a fresh Redmine holds: `hub` is an ordinary account, `bob` may do everything.
# Run by redmine.sh in Redmine's own process; keys are fixed, so that nobody has to log in for one.
# Mail is written by a thread of its own, whose reading of the database locks out our writing.
ActiveJob::Base.queue_adapter = :inline
Setting.rest_api_enabled = '1'
Setting.jsonp_enabled = '0'
Setting.default_language = 'en'
Setting.notified_events = []
Setting.text_formatting = ENV.fetch('REDMINE_MARKUP')
Setting.cross_project_issue_relations = '1'
Setting.cross_project_subtasks = 'system'
Setting.attachment_max_size = '51200'
ActionMailer::Base.perform_deliveries = false

def account(login, key, admin: false)
  user = User.new(firstname: login.capitalize, lastname: 'Example', mail: "#{login}@example.org",
                  admin: admin, language: 'en', mail_notification: 'none')
  user.login = login
  user.password = user.password_confirmation = 'correct horse'
  user.save!
  # Neither UTC nor the server's: dates of the API must not depend on it.
  user.pref.time_zone = 'Tokyo'
  user.pref.save!
  Token.where(user_id: user.id, action: 'api').delete_all
  Token.create!(user: user, action: 'api')
  Token.where(user_id: user.id, action: 'api').update_all(value: key)
  user
end

hub = account('hub', 'c0ffee00' * 5)
bob = account('bob', 'b0b00b00' * 5, admin: true)
jesse = account('jesse', '1e55e000' * 5)
eve = account('eve', 'e5e00000' * 5)

role = Role.create!(
  name: 'Engineer', issues_visibility: 'all', users_visibility: 'all', assignable: true,
  permissions: %i[view_issues add_issues edit_issues delete_issues add_issue_notes
                  edit_own_issue_notes view_private_notes set_notes_private set_issues_private
                  manage_issue_relations manage_subtasks view_issue_watchers add_issue_watchers
                  view_time_entries log_time save_queries]
)
Tracker.all.each do |tracker|
  statuses = IssueStatus.all.to_a
  statuses.product(statuses).each do |from, to|
    # One way is closed: what was rejected is only reopened as new.
    next if from == to || (from.name == 'Rejected' && to.name != 'New')
    WorkflowTransition.create!(tracker: tracker, role: role, old_status: from, new_status: to)
  end
  statuses.each do |to|
    WorkflowTransition.create!(tracker: tracker, role: role, old_status_id: 0, new_status: to)
  end
end

def project(name, people, role, public)
  made = Project.create!(name: name, identifier: name.downcase, is_public: public)
  made.trackers = Tracker.all
  made.enabled_module_names = %w[issue_tracking time_tracking]
  made.save!
  people.each { |who| Member.create!(project: made, user: who, roles: [role]) }
  made
end

demo = project('Demo', [hub, jesse, eve, bob], role, true)
support = project('Support', [hub, jesse, eve, bob], role, true)
project('Hidden', [bob], role, false)
[demo, support].each do |where|
  %w[core docs].each { |name| IssueCategory.create!(project: where, name: name) }
  %w[1.0 2.0].each { |name| Version.create!(project: where, name: name) }
end

def custom(name, format, **more)
  IssueCustomField.create!(name: name, field_format: format, is_for_all: true, is_filter: true,
                           trackers: Tracker.all, visible: true, **more)
end

custom('HubID', 'string')
custom('Severity', 'string')
custom('Tags', 'list', multiple: true, possible_values: %w[alpha beta gamma])

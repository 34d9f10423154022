# Fills a stopped or running RT from JSON lines on its standard input; prints the new numbers.
# Beside the server and without its scrips, so that 200 tickets take seconds.  Run by `rt.sh fill`.
use strict;
use warnings;
use JSON qw(decode_json);
use Encode qw(encode);
use MIME::Base64 qw(decode_base64);
use MIME::Entity;

my $bob = RT::CurrentUser->new;
$bob->Load('bob');
my $dbh = $RT::Handle->dbh;
my $scrips = $dbh->selectcol_arrayref('SELECT id FROM Scrips WHERE Disabled = 0');

sub words {
    my ($text) = @_;
    return MIME::Entity->build(Type => 'text/plain', Charset => 'UTF-8', Encoding => '8bit', Data => [encode('UTF-8', $text)]);
}

sub with_file {
    my ($file) = @_;
    my $message = MIME::Entity->build(Type => 'multipart/mixed');
    $message->attach(Type => $file->{type}, Filename => encode('UTF-8', $file->{name}), Encoding => 'base64', Data => decode_base64($file->{data}));
    return $message;
}

sub fill {
    my ($said) = @_;
    my $ticket = RT::Ticket->new($bob);
    my ($number, undef, $why) = $ticket->Create(
        (map { $_ => $said->{$_} } grep { defined $said->{$_} } qw(Queue Subject Requestor Priority Owner)),
        MIMEObj => words($said->{Content}),
    );
    die "$said->{Subject}: $why\n" unless $number;
    for my $message (@{ $said->{messages} || [] }) {
        my $verb = $message->{private} ? 'Comment' : 'Correspond';
        $ticket->$verb(MIMEObj => words($message->{text}));
    }
    $ticket->Correspond(MIMEObj => with_file($_)) for @{ $said->{files} || [] };
    $ticket->SetStatus($said->{Status}) if $said->{Status};
    print "$number\n";
}

$RT::Handle->BeginTransaction;
$dbh->do('UPDATE Scrips SET Disabled = 1');
while (my $line = <STDIN>) { fill(decode_json($line)) }
$dbh->do('UPDATE Scrips SET Disabled = 0 WHERE id = ?', undef, $_) for @$scrips;
$RT::Handle->Commit;
